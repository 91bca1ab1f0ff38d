"""How far each role reaches: for every kind of row an address may name, whose rows a role sees there.

The permissions of the modules decide; this table says the same in one place, for the customer's access matrix and for
the tests that ask every address as every role. Where the two differ, a test fails.

`own` is what belongs to the person or their own organisation, an officer's own place included. `related` adds what an
agreement, a posting, a basis or the officer's region ties to it. `all` is what everybody with that role may see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from kangqiao.domain.accounts.models import Role

OWN, RELATED, ALL = "own", "related", "all"

TREATING = (
    Role.GP, Role.CENTRE_MANAGER, Role.PHARMACIST, Role.EXPERT, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE,
)  # fmt: skip
HOSPITAL = (Role.EXPERT, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR)
LEADERS = (Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR)
EVERYBODY = tuple(Role)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of row: its name, who reaches how far, and whether its parties keep seeing it when the tie is over."""

    zh: str
    reach: Mapping[str, str] = field(default_factory=dict)
    is_kept: bool = False
    is_public: bool = False

    def of(self, role: str) -> str:
        """How far a role reaches; empty when it sees none of them."""
        return self.reach.get(role, "")


def _kind(
    zh: str,
    *,
    own: Iterable[str] = (),
    related: Iterable[str] = (),
    everybody: Iterable[str] = (),
    is_kept: bool = False,
    is_public: bool = False,
) -> Kind:
    levels = ((OWN, own), (RELATED, related), (ALL, everybody))
    reach = {str(role): level for level, roles in levels for role in roles}
    return Kind(zh, MappingProxyType(reach), is_kept, is_public)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "agreement": _kind(
            "协议", own=(Role.GP, Role.CENTRE_MANAGER), is_kept=True,
            related=(*HOSPITAL, Role.DISPATCHER, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER),
        ),
        "appraisal": _kind("年度考核", own=LEADERS, related=(Role.BUREAU_OFFICER, Role.FINANCE_OFFICER)),
        "booking": _kind(
            "预约", own=(Role.RESIDENT,), related=(Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK, Role.EXPERT)
        ),
        "document": _kind("健康档案文书", own=(Role.RESIDENT,), related=TREATING),
        "figure": _kind("经费依据", related=(Role.FINANCE_OFFICER,)),
        "half_day": _kind(
            "半天坐诊", own=(Role.GP, Role.CENTRE_MANAGER), is_kept=True,
            related=(Role.EXPERT, *LEADERS, Role.DISPATCHER, Role.BUREAU_OFFICER),
        ),
        "hospital": _kind("医院", own=LEADERS, related=(Role.BUREAU_OFFICER, Role.SYSTEM_ADMIN)),
        "line": _kind("经费明细", is_kept=True, related=(*LEADERS, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER)),
        "notice": _kind("通知", own=EVERYBODY),
        "organization": _kind(
            "机构数据", own=(*LEADERS, Role.CENTRE_MANAGER, Role.REFERRAL_DESK),
            related=(Role.BUREAU_OFFICER, Role.FINANCE_OFFICER, Role.DISPATCHER),
        ),
        "posting": _kind("派驻", is_kept=True, related=LEADERS),
        "expert": _kind("医生", everybody=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK)),
        "publication": _kind("公示名单", own=LEADERS, related=(Role.BUREAU_OFFICER,)),
        "published": _kind("已公示的名单", everybody=EVERYBODY, is_public=True),
        "referral": _kind(
            "转诊单", own=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER),
            related=(Role.EXPERT, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE),
        ),
        "report": _kind(
            "指标报告", own=(*LEADERS, Role.CENTRE_MANAGER, Role.REFERRAL_DESK),
            related=(Role.BUREAU_OFFICER, Role.FINANCE_OFFICER, Role.DISPATCHER),
        ),
        "resident": _kind("居民", own=(Role.RESIDENT,), related=TREATING),
        "roster": _kind("排班表", related=(Role.DISPATCHER,)),
        "session": _kind("出诊单元", everybody=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK)),
        "clinic": _kind(
            "出诊单元（停诊）", is_kept=True, own=(Role.CENTRE_MANAGER,),
            related=(Role.REFERRAL_DESK, *LEADERS, Role.DISPATCHER),
        ),
        "settlement": _kind(
            "经费测算", is_kept=True, related=(*LEADERS, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER)
        ),
        "slot": _kind("号源", everybody=(Role.RESIDENT, Role.GP, Role.CENTRE_MANAGER, Role.REFERRAL_DESK)),
    }
)  # fmt: skip

# Argument of an address → the kind of row it names.
ARGUMENTS: Mapping[str, str] = MappingProxyType(
    {
        "appraisal_id": "appraisal", "booking_id": "booking", "document_id": "document", "half_day_id": "half_day",
        "hospital_id": "hospital", "notice_id": "notice", "organization_id": "organization", "posting_id": "posting",
        "practitioner_id": "expert", "referral_id": "referral", "resident_id": "resident", "roster_id": "roster",
        "session_id": "session", "slot_id": "slot",
    }
)  # fmt: skip
# What `pk` names: by the name of the address, else by its first word.
KEYS: Mapping[str, str] = MappingProxyType(
    {
        "agreements": "agreement", "appraisal": "appraisal", "finance": "settlement", "finance-line": "line",
        "finance-verify": "figure", "indicators-report": "report", "publication": "publication", "public": "published",
    }
)  # fmt: skip

# What each address is, in words for the customer.
PAGES: Mapping[str, str] = MappingProxyType(
    {
        "healthz": "运行状态",
        "home": "首页：等我处理的事",
        "chain": "全链条总览",
        "chain-follow": "沿全链条跟踪一件事",
        "sign-in": "登录",
        "accounts-demo": "演示人物登录（只在演示中）",
        "sign-out": "退出登录",
        "accounts-seat": "切换自己的岗位",
        "set_language": "切换语言",
        "accounts-mode": "切换长辈版",
        "agreements-network": "联建网络图",
        "agreements-duties": "协议责任的履行",
        "agreements-list": "协议清单",
        "agreements-export": "协议清单（下载）",
        "agreements-draft": "起草协议",
        "agreements-detail": "一份协议",
        "agreements-paper": "协议文本（打印）",
        "agreements-step": "协议的送签、作废、终止",
        "agreements-sign": "签署协议",
        "agreements-justify": "写未达要求的说明",
        "roster-board": "排班表",
        "roster-export": "排班表（下载）",
        "roster-plan": "自动排班",
        "roster-publish": "发布排班",
        "roster-add": "手工安排半天",
        "roster-move": "调整半天",
        "roster-step": "半天的确认、取消、出诊登记",
        "roster-record": "登记服务",
        "roster-postings": "派驻清单",
        "roster-nominate": "提名专家",
        "roster-posting-step": "派驻的批准、派出、结束",
        "roster-attendance": "出诊登记",
        "roster-mine": "我的出诊",
        "slots-find": "找号",
        "slots-mine": "我的预约",
        "slots-day": "一天的门诊",
        "slots-expert": "医生介绍和近期出诊",
        "slots-session": "一次出诊的号",
        "slots-withdraw": "停诊",
        "slots-confirm": "确认要约的号",
        "slots-book": "预约",
        "slots-booking": "一个预约",
        "slots-cancel": "取消预约",
        "slots-step": "签到、记为未到",
        "slots-visit": "写就诊小结",
        "referral-list": "转诊清单",
        "referral-desk": "转诊台",
        "referral-new": "写转诊单",
        "referral-slots": "医院的空号（写转诊单时）",
        "referral-whole": "转诊资料齐不齐（写转诊单时）",
        "referral-down": "下转",
        "referral-mine": "我的转诊",
        "referral-detail": "一张转诊单",
        "referral-print": "转诊单（打印）",
        "referral-step": "转诊单的一步",
        "indicators-list": "指标总览",
        "indicators-report": "一份指标报告",
        "indicators-detail": "一项指标",
        "indicators-export": "一项指标（下载）",
        "indicators-rows": "指标背后的明细",
        "appraisal-list": "考核清单",
        "appraisal-open": "开启年度考核",
        "appraisal-export": "考核清单（下载）",
        "appraisal-detail": "一家的考核",
        "appraisal-score": "评分",
        "appraisal-close": "定案",
        "finance-list": "经费清单",
        "finance-compute": "测算经费",
        "finance-inputs": "经费依据",
        "finance-verify": "核实一条依据",
        "finance-settlement": "一次测算",
        "finance-submit": "提交拨付",
        "finance-pay": "登记拨付",
        "finance-export": "一次测算（下载）",
        "finance-line": "一笔经费的由来",
        "publication-list": "公示名单清单",
        "publication-draft": "起草公示名单",
        "publication-detail": "一份公示名单",
        "publication-step": "公示名单的送审、退回、批准、公示",
        "public-index": "公示首页",
        "public-publication": "一份已公示的名单",
        "public-file": "已公示的名单（校验文件）",
        "public-sheet": "已公示的名单（下载）",
        "clauses-list": "条款清单",
        "clauses-export": "条款清单（下载）",
        "clauses-detail": "一条条款",
        "messaging-inbox": "通知",
        "messaging-read-all": "全部记为已读",
        "messaging-open": "打开一条通知",
        "residents-search": "找居民",
        "records-resident": "居民健康档案",
        "records-identifier": "居民身份证号全文",
        "records-document": "档案里的一份文书",
        "institutions-network": "机构清单",
        "institutions-office": "登记社区指导科",
    }
)


def kind_of(address: str, argument: str) -> str:
    """The kind of row an argument of an address names; empty for a word such as the name of a step."""
    if argument == "pk":
        return KEYS.get(address) or KEYS.get(address.split("-")[0], "")
    if address == "slots-withdraw":
        return "clinic"  # everybody who books may see a session; calling it off is for those who run it
    return ARGUMENTS.get(argument, "")
