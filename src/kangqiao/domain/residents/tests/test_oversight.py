"""Looking in an emergency, the resident's page of who looked, questions and answers, and wide reading."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from kangqiao.base.audit import record
from kangqiao.base.models import AuditEvent
from kangqiao.domain.accounts.models import Role, User
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.domain.accounts.tests.factories import seat, user
from kangqiao.domain.accounts.tests.proving import enrol, phone
from kangqiao.domain.institutions.tests.factories import centre, hospital, organization
from kangqiao.domain.messaging.models import Notice
from kangqiao.domain.residents import actions, queries
from kangqiao.domain.residents.models import Basis, Emergency, Question
from kangqiao.domain.residents.permissions import TREATING, bases_of
from kangqiao.domain.residents.tests.factories import resident
from kangqiao.kernel.errors import AlreadyMoved, Denied, NotVisible, RuleBroken

pytestmark = pytest.mark.django_db
HOURS = timedelta(hours=4)
WHY = "昏迷送院，需查过敏史"
WIDE_ALERT, WIDE_BLOCK = 60, 200  # no policy: the settings the acceptance names, told again to notice a change


class World:
    """A centre with a resident who has an account, a hospital with a doctor, and a bureau's security administrator."""

    def __init__(self) -> None:
        self.centre, self.hospital = centre("a"), hospital("h")
        self.me = user("me")
        self.resident = resident(self.centre, user_id=self.me.pk, identifier="47040419640305121X")
        self.own = seat("resident", self.centre, self.me)
        self.gp, self.doctor = seat("gp", self.centre), seat("expert", self.hospital)
        self.bureau = organization("bureau", "health_bureau", where=self.centre.place)
        self.guard = seat("security_admin", self.bureau)

    def open(self, client: Client, who: Seat, address: str = "") -> int:
        """One page by one person."""
        client.force_login(User.objects.get(pk=who.user_id))
        return client.get(address or f"/residents/{self.resident.pk}/").status_code


@pytest.fixture
def world() -> World:
    return World()


def _break(world: World, **more: str) -> Emergency:
    given = {"name": "林惊蛰", "identifier": "47040419640305121x", "reason": WHY} | more
    return actions.break_glass(by=world.doctor.actor, at=timezone.now(), **given)


class TestEmergency:
    """Opening a record without a relation."""

    def test_it_opens_for_four_hours_to_that_doctor_alone_and_tells_everybody(self, world: World) -> None:
        colleague = seat("expert", world.hospital, user("colleague"))

        made = _break(world)

        assert queries.get_resident(world.doctor, world.resident.pk) == world.resident
        assert not queries.residents_of(colleague).exists()
        assert not bases_of(world.doctor, made.since + HOURS).exists()
        assert bases_of(world.doctor, made.since + HOURS - timedelta(seconds=1)).exists()
        told = {(row.user_id, row.organization_id) for row in Notice.objects.filter(kind="emergency")}
        assert told == {(world.me.pk, None), (None, world.bureau.pk)}
        assert world.resident.name not in Notice.objects.get(organization=world.bureau).subject
        event = AuditEvent.objects.get(action="residents.break_glass")
        assert Emergency.objects.get(pk=event.subject_id).reason == WHY
        assert WHY not in str(event.detail)

    def test_it_comes_before_a_refusal(self, world: World) -> None:
        actions.refuse_organization(
            resident_id=world.resident.pk, organization_id=world.hospital.pk, by=world.own.actor, at=timezone.now()
        )

        _break(world)

        assert queries.residents_of(world.doctor).exists()

    def test_whoever_may_look_anyway_is_sent_to_the_ordinary_way(self, world: World) -> None:
        with pytest.raises(RuleBroken, match="现在就能看"):
            actions.break_glass(
                name="林惊蛰", identifier="47040419640305121X", reason=WHY, by=world.gp.actor, at=timezone.now()
            )
        _break(world)
        with pytest.raises(RuleBroken, match="现在就能看"):
            _break(world)

    def test_without_the_whole_identity_or_a_reason_it_stays_shut(self, world: World) -> None:
        with pytest.raises(RuleBroken, match="写清楚"):
            _break(world, reason="急")
        for wrong in ({"name": "林惊"}, {"identifier": "121x"}):
            with pytest.raises(NotVisible, match="未找到，或不在您的服务范围"):
                _break(world, **wrong)
        assert not Basis.objects.filter(kind="emergency").exists()

    @pytest.mark.parametrize("role", sorted({*Role} - {Role.GP, Role.EXPERT}))
    def test_only_doctors_do(self, world: World, role: str) -> None:
        with pytest.raises(Denied):
            actions.break_glass(
                name="林惊蛰", identifier="47040419640305121X", reason=WHY, at=timezone.now(),
                by=seat(role, world.hospital, user(f"other-{role}")).actor,
            )  # fmt: skip

    def test_the_page_opens_the_record_and_its_reads_name_the_emergency(self, world: World, client: Client) -> None:
        client.force_login(User.objects.get(pk=world.doctor.user_id))
        sent = {"name": "林惊蛰", "identifier": "47040419640305121X", "reason": WHY, "idempotency_key": "one"}

        answer = client.post("/residents/emergency/", sent, follow=True)

        assert "林惊蛰" in answer.content.decode()
        assert AuditEvent.objects.get(kind="read", action="records-resident").basis == "emergency"


class TestWhoLooked:
    """The resident's page, and the question from it."""

    def test_it_names_who_where_why_and_refused_attempts_and_not_oneself(self, world: World, client: Client) -> None:
        stranger = seat("gp", centre("b"))
        codes = [world.open(client, who) for who in (world.gp, world.gp, stranger)]
        world.open(client, world.own, "/slots/mine/")

        [(_day, found)] = queries.looks(world.own, world.resident, timezone.now())

        assert codes == [200, 200, 404]
        assert [(one.who, one.times, one.why, one.is_refused) for one in found] == [
            (stranger.user_name, 1, "", True),
            (world.gp.user_name, 2, "登记中心", False),
        ]
        page = client.get("/residents/reads/").content.decode()
        assert world.gp.user_name in page
        assert "想看，被拒绝了" in page

    def test_others_do_not_read_it(self, world: World, client: Client) -> None:
        other = user("other")
        resident(world.centre, "别人", user_id=other.pk)
        client.force_login(seat_user(seat("resident", world.centre, other)))

        assert client.get("/residents/reads/", {"resident": world.resident.pk}).status_code == 404

    def test_a_question_goes_to_the_security_administrator_and_the_answer_comes_back(
        self, world: World, client: Client
    ) -> None:
        world.open(client, world.gp)
        event = AuditEvent.objects.get(kind="read")
        client.force_login(world.me)
        client.post(f"/residents/reads/ask/?event={event.pk}", {"text": "为什么看我？", "idempotency_key": "one"})
        asked = Question.objects.get()
        client.force_login(seat_user(world.guard))

        worklist = client.get("/residents/oversight/").content.decode()
        client.post(f"/residents/questions/{asked.pk}/", {"text": "当天接诊。", "idempotency_key": "two"})

        asked.refresh_from_db()
        assert (asked.status, asked.answer, asked.reader_id) == ("answered", "当天接诊。", world.gp.user_id)
        assert "为什么看我？" in worklist
        assert world.resident.name not in worklist
        assert Notice.objects.filter(kind="question", organization=world.bureau, role="security_admin").count() == 1
        assert Notice.objects.get(kind="question", user=world.me).body == "当天接诊。"
        with pytest.raises(AlreadyMoved):
            actions.answer_question(
                question_id=asked.pk, answer="再答", seat=world.guard, by=world.guard.actor, at=timezone.now()
            )

    def test_a_look_at_somebody_else_cannot_be_asked_about(self, world: World, client: Client) -> None:
        other = resident(world.centre, "别人")
        world.open(client, world.gp, f"/residents/{other.pk}/")
        event = AuditEvent.objects.get(kind="read")

        with pytest.raises(NotVisible):
            actions.ask_about_look(
                resident_id=world.resident.pk, event_id=event.pk, text="？", seat=world.own, by=world.own.actor,
                at=timezone.now(),
            )  # fmt: skip

    def test_the_security_administrator_asks_about_an_emergency_and_the_doctor_answers(self, world: World) -> None:
        made, now = _break(world), timezone.now()

        asked = actions.question_emergency(
            emergency_id=made.pk, text="请说明", seat=world.guard, by=world.guard.actor, at=now
        )
        with pytest.raises(Denied):
            actions.answer_question(
                question_id=asked.pk, answer="我来答", seat=world.guard, by=world.guard.actor, at=now
            )
        done = actions.answer_question(
            question_id=asked.pk, answer="抢救记录可查", seat=world.doctor, by=world.doctor.actor, at=now
        )

        assert done.status == "answered"
        assert Notice.objects.filter(user_id=world.guard.user_id).count() == 1

    def test_another_places_administrator_sees_none_of_it(self, world: World) -> None:
        made = _break(world)
        elsewhere = seat("security_admin", hospital("far"), user("far-guard"))

        assert queries.emergencies(world.guard) == [made]
        assert queries.emergencies(elsewhere) == []
        assert queries.emergencies(world.doctor) == []
        with pytest.raises(NotVisible):
            queries.emergency(elsewhere, made.pk)


class TestWideReading:
    """Opening very many people in a short time."""

    def _read(self, world: World, number: int, minutes_ago: float = 1) -> None:
        at = timezone.now() - timedelta(minutes=minutes_ago)
        AuditEvent.objects.bulk_create(
            AuditEvent(
                kind="read", at=at, by_id=world.gp.actor.id, by_name="x", action="records-resident",
                subject_type="residents.resident", resident_id=10_000 + one, request="",
            )
            for one in range(number)
        )  # fmt: skip

    @pytest.mark.trust("T-RATE-3")
    @pytest.mark.parametrize(
        ("before", "status", "is_told"),
        [
            (WIDE_ALERT - 1, 200, False),
            (WIDE_ALERT, 200, True),
            (WIDE_BLOCK - 1, 200, True),
            (WIDE_BLOCK, 429, True),
        ],
    )
    def test_the_limits_are_sixty_to_tell_and_two_hundred_to_stop(
        self, world: World, client: Client, before: int, status: int, is_told: bool
    ) -> None:
        self._read(world, before)

        found = world.open(client, world.gp)

        assert found == status
        assert Notice.objects.filter(kind="wide_reading", organization=world.bureau).exists() is is_told
        last = AuditEvent.objects.filter(kind__in=("read", "refused")).latest("id")
        assert (last.kind, last.resident_id) == ("read" if status == 200 else "refused", world.resident.pk)

    @pytest.mark.trust("T-RATE-3")
    def test_who_is_stopped_reads_when_to_come_back_and_what_was_open_stays_open(
        self, world: World, client: Client
    ) -> None:
        self._read(world, WIDE_BLOCK - 1)
        world.open(client, world.gp)
        another = resident(world.centre, "别人")
        client.force_login(seat_user(world.gp))

        stopped = client.get(f"/residents/{another.pk}/")

        assert (stopped.status_code, stopped.headers["Retry-After"]) == (429, "600")
        assert "别人" not in stopped.content.decode()
        assert client.get(f"/residents/{world.resident.pk}/").status_code == 200

    @pytest.mark.trust("T-RATE-3")
    def test_second_factor_lifts_the_stop_and_is_written_down_and_the_alert_stays(
        self, world: World, client: Client
    ) -> None:
        secret, address = enrol(seat_user(world.gp)), f"/residents/{world.resident.pk}/"
        self._read(world, WIDE_BLOCK)
        client.force_login(seat_user(world.gp))
        stopped = client.get(address)
        part = client.get(address, headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/residents/"})

        proof = f"/sign-in/prove/?next=%2Fresidents%2F{world.resident.pk}%2F"
        before = [client.get(address).status_code, client.get(proof).status_code, client.get(address).status_code]
        typed = {"proof_code": phone(secret), "proof_next": address, "proof_method": "get"}
        proven = client.post("/sign-in/prove/", typed)
        opened = client.get(proven.headers["Location"])

        assert proof in stopped.content.decode()
        assert "/sign-in/prove/?next=%2Fresidents%2F&quot;" in part.content.decode().replace('"', "&quot;")
        assert before == [429, 200, 429]
        assert (proven.headers["Location"], opened.status_code) == (address, 200)
        assert AuditEvent.objects.filter(action="accounts.prove", by_id=world.gp.actor.id).count() == 1
        assert Notice.objects.filter(kind="wide_reading", organization=world.bureau).exists()

        self._read(world, WIDE_BLOCK, minutes_ago=-0.001)
        assert client.get(address).status_code == 429

    @pytest.mark.trust("T-RATE-3")
    def test_password_alone_lifts_no_stop_and_is_not_offered(self, world: World, client: Client) -> None:
        self._read(world, WIDE_BLOCK)
        client.force_login(seat_user(world.gp))
        record("accounts.prove", seat_user(world.gp), by=world.gp.actor, at=timezone.now(), way="password")

        stopped = client.get(f"/residents/{world.resident.pk}/")

        assert stopped.status_code == 429
        assert "/sign-in/prove/" not in stopped.content.decode()

    @pytest.mark.trust("T-RATE-3")
    def test_what_lies_longer_back_does_not_count_and_a_search_does(self, world: World, client: Client) -> None:
        self._read(world, WIDE_BLOCK, minutes_ago=11)
        client.force_login(seat_user(world.gp))
        early = client.get("/residents/", {"q": "林惊蛰"}).status_code
        self._read(world, WIDE_BLOCK)

        late = client.get("/residents/", {"q": "周谷雨"}).status_code
        resident(world.centre, "周谷雨")

        assert (early, late) == (200, 200)
        assert client.get("/residents/", {"q": "周谷雨"}).status_code == 429


@pytest.mark.parametrize("role", sorted({*Role} - TREATING - {Role.RESIDENT}))
def test_roles_that_do_not_treat_open_nobody_and_it_is_written_down(world: World, client: Client, role: str) -> None:
    """Directors, bureaus, insurers, administrators: no name, no diagnosis, whatever basis their house has."""
    who = seat(role, world.centre, user(f"plain-{role}"))

    code = world.open(client, who)

    refused = AuditEvent.objects.get(kind="refused")
    assert code == 403
    assert (refused.by_id, refused.resident_id) == (who.actor.id, world.resident.pk)


def seat_user(who: Seat) -> User:
    """The account behind a seat."""
    return User.objects.get(pk=who.user_id)
