"""The register of residents as a table: a centre's manager reads in its own, the system administrator whole places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from kangqiao.base.actor import Actor
from kangqiao.base.imports import Cells, Column, Finding, Findings, ListKind
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.residents import actions, queries, rules
from kangqiao.domain.residents.models import Resident

SAID = {
    "missing": _("这里必须填写。"),
    "unseen": _("里面有看不见的符号，请删掉重打。"),
    "long": _("太长了。"),
    "choice": _("只能从下拉单里选。"),
    "date": _("日期认不出来，请写成 1956-03-21。"),
    "ahead": _("出生日期在今天之后。"),
    "old": _("年龄超过一百岁，请核对。"),
    "not_as_id": _("和身份证号里的不一致。"),
    "by_excel": _("被 Excel 改成了科学计数。请把这一列设为“文本”，重填后再上传。"),
    "check_digit": _("身份证号的校验位不对。末几位成了 0，是 Excel 把它当成了数字；否则请核对。"),
    "other_paper": _("不是居民身份证号。若是护照等其他证件，可以写入。"),
    "phone": _("不像电话号码，请核对。"),
    "digits": _("姓名里有数字，请核对。"),
    "twice": _("和第 %(line)s 行的证件号相同。"),
    "known": _("这个证件号已经建档。转入请走变更登记中心。"),
    "namesake": _("本中心已有同名同生日的居民，请核对是不是同一个人。"),
    "centre": _("没有这个中心，或不归您管。"),
    "which_centre": _("请写登记中心的代码。"),
}
STAYS = {
    "accounts.user": _("本人已开通账号"),
    "scheduling.booking": _("已有预约"),
    "referral.referral": _("已有转诊"),
    "records.encounter": _("已有就诊"),
    "records.condition": _("已有健康问题"),
    "records.document": _("已有文书"),
    "residents.consent": _("已有授权"),
    "residents.basis": _("别的机构或家人已能查看"),
    "": _("已有其他记录"),
}
_CHOICES = {rules.SEX: tuple(rules.SEXES), rules.INSURANCE: tuple(rules.INSURANCES)}
# untranslated: an example in the file
_EXAMPLES = ("李桂兰", "女", "1956-03-21", "440402195603210023", "13800000000", "凤凰路 1 号", "居民医保", "4404-c01")
_HOW = (
    _("和身份证上的完全一样。"),
    _("有身份证号的可以不填。"),
    _("写成 1956-03-21。有身份证号的可以不填。"),
    _("居民身份证号 18 位；没有的写护照等证件号。"),
    _("手机或座机，可不填。"),
    _("可不填。"),
    _("不填按居民医保。"),
    _("中心负责人可不填，按本中心登记；系统管理员必须填写。"),
)


def judge(rows: Sequence[Cells], by: Actor, at: datetime) -> list[Findings]:
    """What is wrong or odd in each line, with two questions to the database for all of them."""
    today, centres = localtime(at).date(), _centres(by)
    read = [rules.read_line(cells, today) for cells in rows]
    known = queries.known_identifiers({str(one.values["identifier"]) for one in read})
    names = queries.namesakes({str(one.values["name"]) for one in read}, list(centres.values()))
    found: list[Findings] = []
    for one in read:
        seen = [Finding(*fault) for fault in one.faults]
        code = str(one.values["centre"])
        if not code and by.role != Role.CENTRE_MANAGER:
            seen.append(Finding(rules.CENTRE, "which_centre"))
        elif code and code not in centres:
            seen.append(Finding(rules.CENTRE, "centre"))
        if one.values["identifier"] in known:
            seen.append(Finding(rules.IDENTIFIER, "known"))
        elif (one.values["name"], one.values["birth_date"]) in names:
            seen.append(Finding(rules.NAME, "namesake", is_bad=False))
        found.append(seen)
    return found


def enter(rows: Sequence[Cells], by: Actor, at: datetime) -> list[int]:
    """The lines become residents of their centre, which may see them from now on."""
    today, centres = localtime(at).date(), _centres(by)
    made = []
    for cells in rows:
        given = dict(rules.read_line(cells, today).values)
        centre_id = centres.get(str(given.pop("centre"))) or by.organization_id or 0
        made.append(Resident(**given, centre_id=centre_id))
    if made:
        actions.import_residents(residents=made, since=at, by=by, at=at)
    return [row.pk for row in made]


def leave(resident_ids: Sequence[int], by: Actor, at: datetime) -> Mapping[int, str]:
    """Those on whom nothing stands go again."""
    return actions.take_back(resident_ids=resident_ids, by=by, at=at)


def _centres(by: Actor) -> dict[str, int]:
    """The centres somebody registers people at, by code."""
    own = institutions.organization_by_id(by.organization_id or 0)
    if by.role == Role.CENTRE_MANAGER:
        return {own.code: own.pk}
    return dict(institutions.centres_in(own.place.code).values_list("code", "pk"))


RESIDENTS = ListKind(
    key="residents",
    title=_("居民名册"),
    roles=(Role.CENTRE_MANAGER, Role.SYSTEM_ADMIN),
    columns=tuple(
        Column(head, how, head in (rules.NAME, rules.IDENTIFIER), _CHOICES.get(head, ()), example)
        for head, how, example in zip(rules.REGISTER_HEADS, _HOW, _EXAMPLES, strict=True)
    ),
    key_head=rules.IDENTIFIER,
    said=SAID,
    judge=judge,
    enter=enter,
    leave=leave,
    stays=STAYS,
)
