"""The list of a school, a home or a firm as a table: a centre's manager reads in who belongs to its places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from kangqiao.base.actor import Actor
from kangqiao.base.imports import Cells, Column, Finding, Findings, ListKind
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.contracting import actions, queries, rules
from kangqiao.domain.contracting.actions import NewAffiliation

SAID = {
    "missing": _("这里必须填写。"),
    "unseen": _("里面有看不见的符号，请删掉重打。"),
    "long": _("太长了。"),
    "digits": _("姓名里有数字，请核对。"),
    "by_excel": _("被 Excel 改成了科学计数。请把这一列设为“文本”，重填后再上传。"),
    "check_digit": _("身份证号的校验位不对。末几位成了 0，是 Excel 把它当成了数字；否则请核对。"),
    "other_paper": _("不是居民身份证号。若是护照等其他证件，可以写入。"),
    "date": _("日期认不出来，请写成 2026-09-01。"),
    "backwards": _("离开日期要在开始日期之后。"),
    "place": _("本中心没有登记这个单位，请先登记，或核对名称。"),
    "listed": _("这个人已经在这个单位的名册上。"),
    "twice": _("和第 %(line)s 行的证件号相同。在两个单位的，请分两次上传。"),
}
STAYS = {"contracting.contract": _("已在这个单位签约"), "": _("已有其他记录")}
_HOW = (
    _("和“单位”页上登记的名称完全一样。"),
    _("和身份证上的完全一样。"),
    _("居民身份证号 18 位；没有的写护照等证件号。"),
    _("写成 2026-09-01。不填从写入那天起。"),
    _("不再计入的第一天，例如毕业日，可不填。"),
)
# untranslated: an example in the file
_EXAMPLES = ("香湾小学", "李小兰", "440402201703210023", "2026-09-01", "2032-07-01")
_REQUIRED = (rules.PLACE, rules.NAME, rules.IDENTIFIER)


def judge(rows: Sequence[Cells], by: Actor, at: datetime) -> list[Findings]:
    """What is wrong or odd in each line, with two questions to the database for all of them."""
    today, places = localtime(at).date(), _places(by)
    read = [rules.read_listed(cells, today) for cells in rows]
    known = queries.terms_on_lists(places.values(), {one.identifier for one in read})
    found: list[Findings] = []
    for one in read:
        seen = [Finding(*fault) for fault in one.faults]
        if one.place and one.place not in places:
            seen.append(Finding(rules.PLACE, "place"))
        terms = known.get((places.get(one.place, 0), one.identifier), ())
        if any(rules.overlaps((one.starts_on, one.ends_on), term) for term in terms):
            seen.append(Finding(rules.IDENTIFIER, "listed"))
        found.append(seen)
    return found


def enter(rows: Sequence[Cells], by: Actor, at: datetime) -> list[int]:
    """The lines stand on the lists of their places."""
    today, places = localtime(at).date(), _places(by)
    read = [rules.read_listed(cells, today) for cells in rows]
    people = [NewAffiliation(places[one.place], one.name, one.identifier, one.starts_on, one.ends_on) for one in read]
    return actions.import_roll(people=people, by=by, at=at) if people else []


def leave(affiliation_ids: Sequence[int], by: Actor, at: datetime) -> Mapping[int, str]:
    """Those who did not sign there since go from the lists again."""
    return actions.take_back_roll(affiliation_ids=affiliation_ids, by=by, at=at)


def _places(by: Actor) -> dict[str, int]:
    """The places of somebody's house, by name."""
    return {one.zh: one.pk for one in queries.places_to_sign_at(by.organization_id or 0)}


ROLL = ListKind(
    key="roll",
    title=_("单位名册"),
    roles=(Role.CENTRE_MANAGER,),
    columns=tuple(
        Column(head, how, head in _REQUIRED, (), example)
        for head, how, example in zip(rules.ROLL_HEADS, _HOW, _EXAMPLES, strict=True)
    ),
    key_head=rules.IDENTIFIER,
    said=SAID,
    judge=judge,
    enter=enter,
    leave=leave,
    stays=STAYS,
)
