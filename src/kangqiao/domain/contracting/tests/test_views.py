from __future__ import annotations

import re
import secrets
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kangqiao.base.idempotency import FIELD
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.contracting import actions, queries
from kangqiao.domain.contracting.models import Contract, ServicePackage, Team, TeamMember
from kangqiao.domain.contracting.tests import factories as f

pytestmark = pytest.mark.django_db


def client(user: User) -> Client:
    """A browser of that person."""
    found = Client()
    found.force_login(user)
    return found


def post(who: Client, name: str, *arguments: int | str, query: str = "", **body: object):
    """A form sent once."""
    return who.post(reverse(name, args=arguments) + query, {FIELD: secrets.token_hex(8), **body})


def test_resident_applies_signs_and_ends_on_the_phone() -> None:
    w = f.world()
    team, resident = w.team(), w.resident(with_user=True)
    own, gp = client(resident.user), client(w.user("演示医生", Role.GP, w.centre))
    assert "还没有家庭医生" in own.get(reverse("contracting-mine")).content.decode()

    page = own.get(reverse("contracting-apply")).content.decode()
    assert team.zh in page
    post(own, "contracting-apply", team=team.pk)
    one = Contract.objects.get(resident=resident)
    assert resident.name in gp.get(reverse("contracting-desk")).content.decode()
    assert post(gp, "contracting-step", one.pk, "accept").status_code == 302
    assert queries.sign_code(Contract.objects.get(pk=one.pk)) in own.get(reverse("contracting-mine")).content.decode()
    assert own.get(reverse("contracting-step", args=(one.pk, "sign"))).status_code == 200
    post(own, "contracting-step", one.pk, "sign")

    page = own.get(reverse("contracting-mine")).content.decode()
    assert "签约中" in page
    assert "常见病多发病诊治" in page
    post(own, "contracting-step", one.pk, "end", why="wish", reason="搬家")
    assert Contract.objects.get(pk=one.pk).status == "ended"


def test_desk_signs_up_a_family_and_bad_input_keeps_what_was_typed() -> None:
    w = f.world()
    team, head, wife = w.team(), w.resident(), w.resident(date(1955, 1, 1))
    gp = client(w.user("演示医生", Role.GP, w.centre))
    query = f"?resident={head.pk}"
    page = gp.get(reverse("contracting-new") + query).content.decode()
    assert wife.name in page

    refused = post(gp, "contracting-new", query=query, team=team.pk, family=wife.pk)
    assert refused.status_code == 422
    assert "本人同意" in refused.content.decode()
    post(gp, "contracting-new", query=query, team=team.pk, family=wife.pk, has_consent="on")
    one = Contract.objects.get(resident=head)
    post(gp, "contracting-step", one.pk, "accept")
    wrong = post(gp, "contracting-step", one.pk, "sign", way="paper", where="home", signed_by=head.name, filed_as="")
    assert wrong.status_code == 422
    assert "归档编号" in wrong.content.decode()
    post(gp, "contracting-step", one.pk, "sign", way="paper", where="home", signed_by=head.name, filed_as="7")

    assert {row.status for row in Contract.objects.all()} == {"active"}
    part = gp.get(reverse("contracting-detail", args=(one.pk,)), headers={"HX-Target": "drawer-host"})
    assert head.name in part.content.decode()
    assert gp.get(reverse("contracting-of", args=(head.pk,))).status_code == 200


def test_contract_that_cannot_be_is_refused_in_words_and_nothing_typed_is_lost() -> None:
    w = f.world()
    team, other = w.team(), w.team()
    dead, served, asked = w.resident(), w.resident(), w.resident()
    dead.deceased_on = f.ON
    dead.save(update_fields=("deceased_on",))
    w.signed(team, served)
    w.applied(other, asked)
    gp = client(w.user("演示医生", Role.GP, w.centre))
    before = Contract.objects.count()

    for one, words in (
        (dead, "档案已关闭，不能签约"),
        (served, "已和这个团队签约到"),
        (asked, "已有一份申请在办"),
    ):
        refused = post(
            gp, "contracting-new", query=f"?resident={one.pk}", team=team.pk, packages=w.packages["basic"].pk
        )
        page = refused.content.decode()
        assert refused.status_code == 422
        assert f"{one.name}" in page
        assert words in page
        assert re.search(rf'value="{team.pk}"[^>]*checked', page)
        assert re.search(rf'value="{w.packages["basic"].pk}"[^>]*checked', page)
    assert Contract.objects.count() == before


def test_minor_without_guardian_is_not_signed_and_the_desk_reads_whose_name_is_missing() -> None:
    w = f.world()
    child = w.resident(date(2016, 1, 1), with_user=True)
    one = w.accepted(w.team(), child)[0]
    gp, own = client(w.user("演示医生", Role.GP, w.centre)), client(child.user)
    said = {"way": "paper", "where": "home", "filed_as": "纸-7"}

    for name in ("", child.name):
        refused = post(gp, "contracting-step", one.pk, "sign", signed_by=name, **said)
        assert refused.status_code == 422
        assert "孩子由监护人签署，请写监护人的姓名" in refused.content.decode()
        assert "纸-7" in refused.content.decode()
    alone = post(own, "contracting-step", one.pk, "sign")
    assert alone.status_code == 403
    assert Contract.objects.get(pk=one.pk).status == "accepted"
    post(gp, "contracting-step", one.pk, "sign", signed_by="演示妈妈", **said)

    assert Contract.objects.get(pk=one.pk).signed_by == "演示妈妈（监护人）"


@pytest.mark.parametrize("days", [0, 1])
def test_team_that_is_at_the_place_today_is_chosen_and_on_another_day_the_responsible_one(days: int) -> None:
    w, on = f.world(), timezone.localdate()
    responsible, visiting, who = w.team(), w.team(), w.resident()
    actions.add_zone(team_id=responsible.pk, zh="一", kind="grid", street=f.STREET, first=1, last=9, by=f.JOB, at=f.AT)
    home = actions.add_community(organization_id=w.centre.pk, kind="care_home", zh="演示养老院", by=f.JOB, at=f.AT)
    actions.join_community(community_id=home.pk, name=who.name, identifier=who.identifier, by=f.JOB, at=f.AT)
    actions.plan_community_visit(
        community_id=home.pk, team_id=visiting.pk, on=on + timedelta(days=days), by=f.JOB, at=timezone.now()
    )
    gp = client(w.user("演示医生", Role.GP, w.centre))
    page = gp.get(reverse("contracting-new") + f"?resident={who.pk}").content.decode()
    one = w.accepted(visiting, who)[0]
    signing = gp.get(reverse("contracting-step", args=(one.pk, "sign"))).content.decode()

    assert re.search(rf'name="team" value="{(responsible if days else visiting).pk}"[^>]*checked', page)
    assert bool(re.search(rf'<option value="{home.pk}" selected', signing)) is not bool(days)


def test_manager_forms_a_team_and_publishes_it() -> None:
    w = f.world()
    manager = client(w.user("演示主任", Role.CENTRE_MANAGER, w.centre))
    post(manager, "contracting-form-team", zh="演示三队")
    team = Team.objects.get(zh="演示三队")
    barred = manager.get(reverse("contracting-team", args=(team.pk,))).content.decode()
    assert "团队还缺" in barred
    gp = w.person("gp")
    body = {"member-practitioner": gp.pk, "member-kind": "nurse"}
    assert post(manager, "contracting-member-add", team.pk, **body).status_code == 422

    for kind in f.WHOLE:
        person = gp if kind == "gp" else w.person(kind)
        said = body | {"member-practitioner": person.pk, "member-kind": kind}
        post(manager, "contracting-member-add", team.pk, **said | ({"member-is_lead": "on"} if kind == "gp" else {}))
    zone = {"zone-zh": "一", "zone-kind": "grid", "zone-street": f.STREET, "zone-first": "1", "zone-last": "20"}
    post(manager, "contracting-zone-add", team.pk, **zone)
    assert post(manager, "contracting-zone-add", team.pk, **zone).status_code == 422
    post(manager, "contracting-duty", team.pk, kind="nurse", duties="上门")
    post(manager, "contracting-team-step", team.pk, step="open")

    team.refresh_from_db()
    assert (team.status, TeamMember.objects.filter(team=team).count()) == ("open", 3)


def test_manager_writes_a_package_with_prices() -> None:
    w = f.world()
    manager = client(w.user("演示主任", Role.CENTRE_MANAGER, w.centre))
    lines = {"item-TOTAL_FORMS": "6", "item-INITIAL_FORMS": "0", "item-0-act": "nursing", "item-0-zh": "上门换药"}
    said = {"zh": "护理包", "code": "nursing", "group": "everyone", "starts_on": date(2100, 1, 1), "reason": "按价目"}
    assert post(manager, "contracting-package-new", **said, **lines).status_code == 422

    post(manager, "contracting-package-new", **said, **lines, **{"item-0-times": "12", "item-0-yuan": "35.50"})

    package = ServicePackage.objects.get(code="nursing")
    assert package.year_fen == 12 * 3550
    assert "护理包" in manager.get(reverse("contracting-packages")).content.decode()


def test_lists_of_a_team_open_empty_and_filled() -> None:
    w = f.world()
    team = w.team()
    gp = client(w.user("演示医生", Role.GP, w.centre))
    assert "都服务过了" in gp.get(reverse("contracting-unserved", args=(team.pk,))).content.decode()
    assert "都签约了" in gp.get(reverse("contracting-campaign", args=(team.pk,))).content.decode()
    old = w.resident(date(1940, 1, 1))
    actions.flag_key_groups(on=f.ON, by=f.JOB, at=f.AT)

    page = gp.get(reverse("contracting-campaign", args=(team.pk,)) + "?group=elderly").content.decode()
    assert old.name in page
    w.signed(team, old)

    assert old.name in gp.get(reverse("contracting-unserved", args=(team.pk,))).content.decode()


def test_bureau_sees_teams_of_its_place_and_no_contract() -> None:
    w = f.world()
    team = w.team()
    one = w.signed(team, w.resident())[0]
    officer = client(w.user("演示科员", Role.BUREAU_OFFICER, w.bureau))

    assert team.zh in officer.get(reverse("contracting-teams")).content.decode()
    assert officer.get(reverse("contracting-team", args=(team.pk,))).status_code == 200
    assert officer.get(reverse("contracting-detail", args=(one.pk,))).status_code == 403
