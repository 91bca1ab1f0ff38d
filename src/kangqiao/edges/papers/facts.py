"""What stands on each kind of paper, by the names that the templates use. Papers are Chinese in every language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.agreements import forms as agreement_forms
from kangqiao.domain.agreements import queries as agreements
from kangqiao.domain.contracting import queries as contracting
from kangqiao.domain.contracting.models import Contract, TeamMember
from kangqiao.domain.finance import queries as finance
from kangqiao.domain.publication import queries as publications
from kangqiao.domain.referral import queries as referrals
from kangqiao.domain.residents import queries as residents
from kangqiao.edges.papers.writing import SIGNATURE
from kangqiao.kernel.identifiers import masked
from kangqiao.kernel.money import in_words, yuan

Facts = Mapping[str, Any]

# untranslated: papers are Chinese
_EXPERT = "姓名 职称 专科 地点 开始 结束"
# untranslated: papers are Chinese
_AGREEMENT: tuple[str, dict[str, str]] = (
    "编号 种类 医院 中心 开始 结束 合作形式 依据 日期 出具单位",
    {"职责": "方 内容 指标 条款", "签署": "方 机构 签署人 日期"},
)
# The names of each kind: of the paper, and of the lines of each of its lists. What a template may ask for.
# untranslated: papers are Chinese
NAMES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "referral": (
        "编号 方向 转出机构 转入机构 专科 缓急 姓名 性别 年龄 证件号 电话 诊断 病史 查体 用药 过敏史 转诊原因 希望解决"
        " 后续计划 回信 医生 日期 出具单位",
        {},
    ),
    "agreement": _AGREEMENT,
    "target": _AGREEMENT,
    "settlement": (
        "编号 地区 年度 版次 合计 合计大写 可拨付 可拨付大写 冻结指纹 依据 日期 出具单位",
        {"支付方": "名称 笔数 测算 已拨付", "明细": "中心 医院 支付方 测算 应拨 条款 状态"},
    ),
    "contract": (
        "编号 家庭编号 姓名 性别 出生 证件号 电话 地址 中心 团队 牵头医生 团队电话 开始 结束 签署人 签名 签署方式"
        " 签署地点 依据 日期 出具单位",
        {"成员": "姓名 类别 机构", "项目": "服务包 名称 次数 价格", "家人": "姓名 性别 出生"},
    ),
    "publication": (
        "编号 医院 年度 版次 冻结指纹 日期 出具单位",
        {"对口中心": "中心 开始 结束", "拟派驻": _EXPERT, "已派驻": _EXPERT},
    ),
}


def sample(kind: str) -> dict[str, Any]:
    """A paper of that kind with every name filled and one line in every list."""
    names, lists = NAMES[kind]
    filled: dict[str, Any] = {name: name for name in names.split()}
    if SIGNATURE in filled:
        filled[SIGNATURE] = "M40 120L80 60L120 130"
    return filled | {name: [dict.fromkeys(columns.split(), "…")] for name, columns in lists.items()}


def referral(seat: Seat, referral_id: int, now: datetime) -> Facts:
    """The two-way referral form."""
    one = referrals.get_referral(seat, referral_id)
    letter, person = referrals.letter(seat, one, now), one.resident
    residents.note_read(seat, [one.resident_id])
    on = timezone.localdate(one.sent_at)
    # untranslated: papers are Chinese
    return {
        "编号": one.number,
        "方向": str(one.get_direction_display()),
        "转出机构": one.from_organization.zh,
        "转入机构": one.to_organization.zh,
        "专科": letter.line.specialty,
        "缓急": str(one.get_urgency_display()),
        "姓名": person.name,
        "性别": str(person.get_sex_display()),
        "年龄": str(residents.age(person, on)),
        "证件号": masked(person.identifier),
        "电话": person.phone,
        "诊断": one.diagnosis,
        "病史": one.history,
        "查体": one.examination,
        "用药": one.medicines or "未写",
        "过敏史": one.allergies or "未写",
        "转诊原因": "；".join(filter(None, (letter.reason, one.reason))),
        "希望解决": one.question,
        "后续计划": one.plan,
        "回信": one.reply,
        "医生": one.from_practitioner.name if one.from_practitioner else "",
        "日期": on.isoformat(),
        "出具单位": one.from_organization.zh,
    }


def agreement(seat: Seat, agreement_id: int, now: datetime) -> Facts:
    """An agreement, or the target agreement of a year."""
    one = agreements.get_agreement(seat, agreement_id)
    sides = agreements.duties_by_side(one)
    names = agreement_forms.FORM_NAMES
    # untranslated: papers are Chinese
    return {
        "编号": one.number,
        "种类": str(one.get_kind_display()),
        "医院": one.hospital.zh,
        "中心": one.centre.zh,
        "开始": one.starts_on.isoformat(),
        "结束": one.last_day.isoformat(),
        "合作形式": "、".join(str(names.get(name, name)) for name in one.forms),
        "职责": [
            {
                "方": party.organization.zh,
                "内容": duty.zh,
                "指标": "" if duty.target is None else f"≥ {duty.target.normalize():f}",
                "条款": duty.clause,
            }
            for party, duties in sides
            for duty in duties
        ],
        "签署": [
            {
                "方": str(party.get_side_display()),
                "机构": party.organization.zh,
                "签署人": party.signed_by,
                "日期": timezone.localdate(party.signed_at).isoformat() if party.signed_at else "",
            }
            for party, _duties in sides
        ],
        "依据": one.policy_ref,
        "日期": one.starts_on.isoformat(),
        "出具单位": one.hospital.zh,
    }


def agreement_kind(seat: Seat, agreement_id: int) -> str:
    """Which of the two papers of an agreement its kind asks for."""
    return "target" if agreements.get_agreement(seat, agreement_id).kind == "target" else "agreement"


def contract(seat: Seat, contract_id: int, now: datetime) -> Facts:
    """A family doctor's contract, of a person or of a household."""
    one, on = contracting.get_contract(seat, contract_id), timezone.localdate(now)
    person, members = one.resident, contracting.members_of([one.team_id], on)
    lead = next((each.practitioner.name for each in members if each.is_lead), "")
    # untranslated: papers are Chinese
    return {
        "编号": one.number,
        "家庭编号": one.household.number if one.household else "",
        "姓名": person.name,
        "性别": str(person.get_sex_display()),
        "出生": person.birth_date.isoformat(),
        "证件号": masked(person.identifier),
        "电话": person.phone,
        "地址": person.address,
        "中心": one.team.organization.zh,
        "团队": one.team.zh,
        "牵头医生": lead,
        "团队电话": one.team.phone,
        "开始": one.starts_on.isoformat() if one.starts_on else "",
        "结束": one.last_day.isoformat() if one.last_day else "",
        "签署人": one.signed_by,
        # Only where somebody signed by hand: the other papers go on saying what they said.
        **({SIGNATURE: one.signature} if one.signature else {}),
        "签署方式": str(one.get_way_display()),
        "签署地点": str(one.get_where_display()),
        **_promises(one, members, on),
        "依据": one.policy_ref,
        "日期": timezone.localdate(one.signed_at).isoformat() if one.signed_at else "",
        "出具单位": one.team.organization.zh,
    }


def _promises(one: Contract, members: list[TeamMember], on: date) -> dict[str, list[dict[str, str]]]:
    """The lists of a contract: who serves, what is promised, who signed together."""
    # untranslated: papers are Chinese
    return {
        "成员": [
            {
                "姓名": each.practitioner.name,
                "类别": str(each.get_kind_display()),
                "机构": each.practitioner.organization.zh,
            }
            for each in members
        ],
        "项目": [
            {
                "服务包": each.package,
                "名称": each.item.zh,
                "次数": str(each.item.times),
                "价格": f"{yuan(each.item.fen):,}" if each.item.fen else "免费",
            }
            for each in contracting.promised(one, on)
        ],
        "家人": [
            {
                "姓名": each.resident.name,
                "性别": str(each.resident.get_sex_display()),
                "出生": each.resident.birth_date.isoformat(),
            }
            for each in (contracting.household_of(one) if one.household_id else [])
            if each.pk != one.pk
        ],
    }


def settlement(seat: Seat, settlement_id: int, now: datetime) -> Facts:
    """The statement of a settlement: totals and lines as far as the seat may see them, the sum in words too."""
    one = finance.get_settlement(seat, settlement_id)
    payers = finance.payer_totals(seat, one)
    total = sum(payer.base_fen for payer in payers)
    payable = sum(payer.payable_fen for payer in payers)
    # untranslated: papers are Chinese
    return {
        "编号": f"{one.place.code}-{one.year}-{one.version}",
        "地区": one.place.zh,
        "年度": str(one.year),
        "版次": str(one.version),
        "合计": f"{yuan(total):,}",
        "合计大写": in_words(total),
        "可拨付": f"{yuan(payable):,}",
        "可拨付大写": in_words(payable),
        "支付方": [
            {
                "名称": payer.payer,
                "笔数": str(payer.lines),
                "测算": f"{yuan(payer.base_fen):,}",
                "已拨付": f"{yuan(payer.paid_fen):,}",
            }
            for payer in payers
        ],
        "明细": [
            {
                "中心": row.line.centre.zh,
                "医院": row.line.hospital.zh,
                "支付方": row.line.payer.zh,
                "测算": f"{yuan(row.line.base_fen):,}",
                "应拨": "待考核" if row.line.amount_fen is None else f"{yuan(row.line.amount_fen):,}",
                "条款": row.line.clause,
                "状态": row.state.zh,
            }
            for row in finance.line_rows(seat, one)
        ],
        "冻结指纹": one.sha256,
        "依据": one.policy_ref,
        "日期": timezone.localdate(one.computed_at).isoformat(),
        "出具单位": seat.actor.organization,
    }


def publication(seat: Seat, publication_id: int, now: datetime) -> Facts:
    """The yearly public list of a hospital."""
    one = publications.get_publication(seat, publication_id)
    content = one.content
    # untranslated: papers are Chinese
    return {
        "编号": f"{one.organization.code}-{one.year}-{one.version}",
        "医院": one.organization.zh,
        "年度": str(one.year),
        "版次": str(one.version),
        "对口中心": [
            {"中心": row["centre"], "开始": row["starts_on"], "结束": row["ends_on"]} for row in content["chc_list"]
        ],
        "拟派驻": [_expert(row) for row in content["experts_planned"]],
        "已派驻": [_expert(row) for row in content["experts_completed"]],
        "冻结指纹": one.sha256,
        "日期": timezone.localdate(one.published_at or now).isoformat(),
        "出具单位": one.organization.zh,
    }


def _expert(row: Mapping[str, str]) -> dict[str, str]:
    # untranslated: papers are Chinese
    return {
        "姓名": row["name"], "职称": row["title"], "专科": row["specialty"], "地点": row["place"],
        "开始": row["starts_on"], "结束": row["ends_on"],
    }  # fmt: skip
