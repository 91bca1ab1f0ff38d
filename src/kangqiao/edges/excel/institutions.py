"""The network as a table: the system administrator of a place reads in its hospitals, centres and their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from kangqiao.base.actor import Actor
from kangqiao.base.imports import Cells, Column, Finding, Findings, ListKind
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions import actions, rules
from kangqiao.domain.institutions.models import Organization
from kangqiao.domain.institutions.rules import Fault

SAID = {
    "missing": _("没有填。"),
    "form": _("写法不对。"),
    "unknown": _("没有这个代码或名称。"),
    "impossible": _("不可能是这个数。"),
    "too_long": _("太长了。"),
    "unseen": _("里面有看不见的符号，请删掉重打。"),
    "unusual": _("少见，请核对。"),
    "known": _("这个代码已经登记。"),
    "of_others": _("不在您管理的地区。"),
    "twice": _("和第 %(line)s 行的代码相同。"),
}
STAYS = {
    "accounts.membership": _("已有人任职"),
    "agreements.agreement": _("已有协议"),
    "institutions.organization": _("下面有别的机构"),
    "residents.resident": _("已登记居民"),
    "workforce.practitioner": _("已有人员"),
    "": _("已有其他记录"),
}
_HOW = {
    rules.CODE: _("小写字母、数字和连字符，登记后不变。"),
    rules.NAME: _("全称。"),
    rules.SHORT: _("名称不超过 40 字的可以不填。"),
    rules.KIND: _("从下拉单里选。"),
    rules.PLACE: _("六位行政区划代码，或功能区的代码。"),
    rules.LEVEL: _("医院填写，才能承担联建职责。"),
    rules.OWNERSHIP: _("医院填写。"),
    rules.PART_OF: _("所属机构的代码，可以在同一份名单里。"),
    rules.POPULATION: _("中心填写，按人头拨款用它。"),
    rules.ADDRESS: _("可不填。"),
    rules.PHONE: _("可不填。"),
    rules.OPENED: _("写成 1956-03-21，可不填。"),
}
_CHOICES = {
    rules.KIND: tuple(str(kind.label) for kind in Organization.Kind),
    rules.LEVEL: ("一级", "二级", "三级"),  # untranslated: words of the file
    rules.OWNERSHIP: tuple(str(one.label) for one in Organization.Ownership),
}
# untranslated: an example in the file
_EXAMPLES = (
    "h-renmin", "市人民医院", "市人民", "医院", "440402", "三级", "市属", "", "", "康宁路 1 号", "0756-2222222",
    "1951-10-01",
)  # fmt: skip
_REQUIRED = frozenset({rules.CODE, rules.NAME, rules.KIND, rules.PLACE})


def judge(rows: Sequence[Cells], by: Actor, at: datetime) -> list[Findings]:
    """What is wrong or odd in each line; what is only odd may enter."""
    found = actions.judge_organizations(rows=rows, by=by, at=at)
    return [
        [Finding(one.column, one.fault.value, is_bad=one.fault is not Fault.UNUSUAL) for one in line] for line in found
    ]


def enter(rows: Sequence[Cells], by: Actor, at: datetime) -> list[int]:
    """The lines become organisations."""
    return actions.import_organizations(rows=rows, by=by, at=at)


def leave(organization_ids: Sequence[int], by: Actor, at: datetime) -> Mapping[int, str]:
    """Those on whom nothing stands go again."""
    return actions.take_back(organization_ids=organization_ids, by=by, at=at)


INSTITUTIONS = ListKind(
    key="institutions",
    title=_("机构名单"),
    roles=(Role.SYSTEM_ADMIN,),
    columns=tuple(
        Column(head, _HOW[head], head in _REQUIRED, _CHOICES.get(head, ()), example)
        for head, example in zip(rules.COLUMNS, _EXAMPLES, strict=True)
    ),
    key_head=rules.CODE,
    said=SAID,
    judge=judge,
    enter=enter,
    leave=leave,
    stays=STAYS,
    is_joined=True,
)
