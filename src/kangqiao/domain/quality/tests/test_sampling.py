"""A bureau draws, checks and closes; the centre puts right; nobody sees more than that."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from kangqiao.base.idempotency import FIELD
from kangqiao.base.models import AuditEvent, StatusChange
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.tests import factories as f
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.quality import actions, queries
from kangqiao.domain.quality.models import SampledItem, Sampling
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken, Taken

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TODAY = timezone.localdate(NOW)
SINCE = TODAY - timedelta(days=30)


class Region:
    """A centre with two teams, some contracts and services, its bureau and its manager."""

    def __init__(self, contracts: tuple[int, ...] = (4, 3)) -> None:
        self.world = f.world()
        self.teams = [self.world.team() for _one in contracts]
        self.contracts: list[Contract] = []
        for team, count in zip(self.teams, contracts, strict=True):
            for _number in range(count):
                self.contracts += self.world.signed(team, self.world.resident())
        for one in self.contracts[:2]:
            item = one.packages.get(code="basic").items.first() if one.packages.exists() else None
            item = item or self.world.packages["basic"].items.first()
            Service.objects.create(contract=one, item=item, on=TODAY - timedelta(days=3), source=f"encounter:{one.pk}")
        Contract.objects.update(starts_on=TODAY - timedelta(days=200), ends_on=TODAY + timedelta(days=165))
        self.officer = self.world.user("演示科员", Role.BUREAU_OFFICER, self.world.bureau)
        self.manager = self.world.user("演示主任", Role.CENTRE_MANAGER, self.world.centre)
        self.bureau = self.world.seat(Role.BUREAU_OFFICER, self.world.bureau, self.officer)
        self.house = self.world.seat(Role.CENTRE_MANAGER, self.world.centre, self.manager)

    def draw(self, **more: Any) -> Sampling:
        told = {"centre_id": self.world.centre.pk, "starts_on": SINCE, "ends_on": TODAY, "seed": 7, **more}
        return actions.draw_sampling(**told, by=self.bureau.actor, at=NOW)

    def found(self, *findings: str, **more: Any) -> SampledItem:
        item = self.draw().items.filter(kind="contract").first()
        assert item is not None
        return self.check(item, *findings, **more)

    def check(self, item: SampledItem, *findings: str, **more: Any) -> SampledItem:
        told: dict[str, Any] = {"item_id": item.pk, "how": "phone", "findings": findings, **more}
        return actions.check_item(**told, by=self.bureau.actor, at=NOW)


def test_the_same_seed_draws_the_same_and_once() -> None:
    region = Region()
    one = region.draw(size=2)
    with pytest.raises(Taken, match="换一个种子"):
        region.draw(size=2)
    again = region.draw(size=2, starts_on=SINCE + timedelta(days=1))
    other = region.draw(size=2, seed=None)

    assert set(one.items.values_list("contract_id", "service_id")) == set(
        again.items.values_list("contract_id", "service_id")
    )
    assert one.items.filter(kind="contract").count() == 4
    assert one.items.filter(kind="service").count() == 2
    assert one.frame == {f"{region.teams[0].pk}": [4, 2], f"{region.teams[1].pk}": [3, 0]}
    assert 0 <= other.seed < 1_000_000
    trace = AuditEvent.objects.filter(action="quality.draw_sampling").order_by("pk").first()
    assert trace is not None
    assert (trace.detail["seed"], trace.detail["items"]) == (7, 6)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"ends_on": TODAY + timedelta(days=1)}, "还没有过完"),
        ({"ends_on": SINCE - timedelta(days=1)}, "在第一天之前"),
        ({"size": 0}, "每队抽 1 到 200"),
        ({"size": 201}, "每队抽 1 到 200"),
        ({"seed": 1_000_000}, "种子是"),
        ({"starts_on": date(2001, 1, 1), "ends_on": date(2001, 2, 1)}, "没有签约"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(told: dict[str, Any], said: str) -> None:
    region = Region((1,))

    with pytest.raises(RuleBroken, match=said):
        region.draw(**told)
    assert not Sampling.objects.exists()


def test_only_a_bureau_draws_and_only_of_its_place() -> None:
    region = Region((1,))
    elsewhere = region.world.centre
    told = {"centre_id": elsewhere.pk, "starts_on": SINCE, "ends_on": TODAY}

    with pytest.raises(Denied):
        actions.draw_sampling(**told, by=region.house.actor, at=NOW)
    with pytest.raises(Denied, match="抽的是社区中心"):
        region.draw(centre_id=region.world.hospital.pk)


@pytest.mark.clause("XH23-5.2.4a")
def test_what_is_found_goes_to_the_centre_with_a_day_and_is_closed_or_sent_back() -> None:
    region = Region()
    item = region.found("no_plan", note="电话核实")

    assert (item.status, item.due_on, item.findings) == ("found", TODAY + timedelta(days=14), ["no_plan"])
    assert Notice.objects.filter(organization=region.world.centre, subject__contains="请整改").exists()
    corrected = actions.correct_item(item_id=item.pk, answer="方案已补", by=region.house.actor, at=NOW)
    assert corrected.status == "corrected"
    later = NOW + timedelta(days=2)
    back = actions.send_back_item(item_id=item.pk, reason="方案没有签名", by=region.bureau.actor, at=later)
    assert (back.status, back.due_on) == ("found", TODAY + timedelta(days=16))
    actions.correct_item(item_id=item.pk, answer="已补签名", by=region.house.actor, at=later)
    closed = actions.close_item(item_id=item.pk, by=region.bureau.actor, at=later)

    assert (closed.status, closed.answer) == ("closed", "已补签名")
    steps = StatusChange.objects.filter(process="sampled_item", subject_id=item.pk).order_by("pk")
    assert [one.to_status for one in steps] == ["to_check", "found", "corrected", "found", "corrected", "closed"]


def test_a_step_of_the_other_side_or_twice_is_refused() -> None:
    region = Region((2,))
    item = region.found("unaware")

    with pytest.raises(Denied):
        actions.correct_item(item_id=item.pk, answer="改了", by=region.bureau.actor, at=NOW)
    with pytest.raises(RuleBroken, match="原因"):
        actions.correct_item(item_id=item.pk, answer=" ", by=region.house.actor, at=NOW)
    with pytest.raises(AlreadyMoved):
        region.check(item)
    with pytest.raises(AlreadyMoved):
        actions.close_item(item_id=item.pk, by=region.bureau.actor, at=NOW)
    with pytest.raises(Denied):
        actions.close_item(item_id=item.pk, by=region.house.actor, at=NOW)


@pytest.mark.parametrize(
    ("findings", "more", "said"),
    [
        (("not_done",), {}, "没有这种问题"),  # of services, not of contracts
        (("made_up",), {}, "没有这种问题"),
        (("unaware",), {"due_on": TODAY}, "今天以后"),
    ],
)
def test_a_check_with_what_cannot_be_is_refused(findings: tuple[str, ...], more: dict[str, Any], said: str) -> None:
    region = Region((1,))

    with pytest.raises(RuleBroken, match=said):
        region.found(*findings, **more)


def test_results_by_team_count_what_was_checked() -> None:
    region = Region()
    one = region.draw(size=2)
    first = [item for item in one.items.all() if item.team_id == region.teams[0].pk]
    contracts = [item for item in first if item.kind == "contract"]
    region.check(contracts[0])
    region.check(contracts[1], "unaware")
    service = next(item for item in first if item.kind == "service")
    region.check(service, "incomplete")

    whole, untouched = queries.results(one)

    assert (whole.contracts_of, whole.services_of) == (4, 2)
    assert (whole.contracts.checked, whole.contracts.real, whole.contracts.rate) == (2, 1, 50.0)
    assert (whole.services.checked, whole.services.rate, whole.services.open) == (1, 100.0, 1)
    assert (untouched.contracts.drawn, untouched.contracts.rate) == (2, None)


def test_the_database_keeps_items_whole() -> None:
    region = Region((2,))
    item = region.draw().items.filter(kind="contract").first()
    assert item is not None

    for told in ({"status": "sound"}, {"status": "found", "how": "phone"}, {"kind": "service"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SampledItem.objects.filter(pk=item.pk).update(**told)


def test_each_side_sees_its_own_and_strangers_nothing() -> None:
    region = Region((1,))
    one = region.draw()
    item = one.items.first()
    assert item is not None
    stranger = region.world.seat(Role.CENTRE_MANAGER, region.world.other)

    assert queries.get_sampling(region.bureau, one.pk) == queries.get_sampling(region.house, one.pk)
    for call in (lambda: queries.get_sampling(stranger, one.pk), lambda: queries.get_item(stranger, item.pk)):
        with pytest.raises(NotVisible):
            call()
    assert queries.waiting(region.bureau, NOW) == (2, one.drawn_at)
    assert queries.waiting(region.house, NOW)[0] == 0


def signed_in(region: Region, user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_whom_to_call_is_shown_while_the_check_lasts_and_the_resident_sees_it() -> None:
    region = Region((1,))
    item = region.draw().items.filter(kind="contract").first()
    assert item is not None
    client, who = signed_in(region, region.officer), region.contracts[0].resident

    page = client.get(f"/quality/items/{item.pk}/").content.decode()
    shown = client.post(f"/quality/items/{item.pk}/contact/").content.decode()

    assert who.name not in page
    assert who.name in shown
    looks = AuditEvent.objects.filter(kind=AuditEvent.Kind.READ, resident_id=who.pk, by_id=region.bureau.actor.id)
    assert looks.get().basis == "oversight"
    region.check(item)
    assert client.post(f"/quality/items/{item.pk}/contact/").status_code == 404
    assert signed_in(region, region.manager).post(f"/quality/items/{item.pk}/contact/").status_code == 403


def test_the_pages_draw_check_answer_and_export() -> None:
    region = Region()
    officer, manager = signed_in(region, region.officer), signed_in(region, region.manager)
    form = {"centre_id": region.world.centre.pk, "starts_on": f"{SINCE}", "ends_on": f"{TODAY}", "size": 1, "seed": 9}

    wrong = officer.post("/quality/new/", {**form, "ends_on": "2999-01-01", FIELD: "draw-0"})
    made = officer.post("/quality/new/", {**form, FIELD: "draw-1"}, follow=True)
    assert wrong.status_code == 422
    assert "种子是 9" in made.content.decode()
    item = SampledItem.objects.filter(kind="contract").first()
    assert item is not None
    checked = {"how": "paper", "findings": ["no_paper", "no_plan"], "note": "档案室没有", FIELD: "check-1"}
    assert "已交中心整改" in officer.post(f"/quality/items/{item.pk}/check/", checked, follow=True).content.decode()
    assert item.number in manager.get("/").content.decode()
    told = {"step": "correct", "reason": "协议已补扫描", FIELD: "step-1"}
    assert manager.post(f"/quality/items/{item.pk}/step/", told, follow=True).status_code == 200
    page = officer.get(f"/quality/items/{item.pk}/").content.decode()
    assert "协议已补扫描" in page
    assert "找不到协议、没有健康管理方案" in page

    sheet = officer.get(f"/quality/{item.sampling_id}/?as=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(sheet)))  # type: ignore[arg-type]
    cells = [cell.value for one in book for row in one.iter_rows() for cell in row]
    assert "真实签约率" in cells
    assert item.number in cells
