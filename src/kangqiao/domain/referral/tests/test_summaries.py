"""What travels with a letter: the criteria of the record, the frozen summary; and the list of a hospital's beds."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.records.models import Condition, Encounter, Medication, Observation
from kangqiao.domain.referral import actions, queries
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.tests.factories import AT, HAND_OVER, cast, organization
from kangqiao.domain.referral.tests.test_green import at_window
from kangqiao.domain.referral.tests.test_views import client, text
from kangqiao.domain.residents import actions as consents
from kangqiao.domain.residents.models import Resident
from kangqiao.kernel.errors import RuleBroken

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return cast()


def measured(people, code, value, ago=1, unit="mmHg", now=AT):
    taken = now - timedelta(days=ago)
    return Observation.objects.create(
        resident=people.resident, code=code, value=Decimal(value), unit=unit, taken_at=taken, source="visit",
        organization=people.centre, recorded_by="演示", recorded_at=taken,
    )  # fmt: skip


def hypertensive(people, *values):
    Condition.objects.create(resident=people.resident, code="I10", zh="原发性高血压")
    for number, value in enumerate(values):
        measured(people, "systolic", value, ago=1 + 30 * number)


class TestCriteria:
    @pytest.mark.clause("ZH-4.4b")
    def test_what_the_record_meets_is_proposed_with_its_values(self, people):
        hypertensive(people, "152", "148")
        found = queries.proposed(people.gp, people.resident, AT)
        assert [one.code for one in found] == ["htn_two_visits"]
        assert "收缩压 152 mmHg" in found[0].why
        assert "148" in found[0].why

    def test_who_passes_over_it_writes_why(self, people):
        hypertensive(people, "152", "148")
        summary = queries.summary_of(people.gp, people.resident, AT, people.hospital.pk)
        with pytest.raises(RuleBroken, match="档案里符合") as refused:
            people.up(summary=summary, reason_code="test_needed")
        assert refused.value.clause == "ZH-4.4b"
        assert people.up(summary=summary, reason_code="test_needed", reason="要做动态血压").reason_code == "test_needed"

    def test_of_two_values_of_a_day_the_one_that_meets_it_is_the_evidence(self, people):
        hypertensive(people)
        measured(people, "systolic", "184", ago=1)
        measured(people, "systolic", "128", ago=1.01)
        found = queries.proposed(people.gp, people.resident, AT)
        assert found[0].code == "htn_severe"
        assert "184" in found[0].why
        assert "128" not in found[0].why

    def test_a_value_older_than_the_pack_looks_back_meets_nothing(self, people):
        hypertensive(people)
        measured(people, "systolic", "184", ago=366)
        assert queries.proposed(people.gp, people.resident, AT) == []


def protected(people):
    """The centre itself treats what the record protects; a diagnosis, a medicine and a value of that visit tell it."""
    visit = Encounter.objects.create(
        resident=people.resident, organization=people.centre, specialty="general", started_at=AT, diagnosis="F20",
        origin="booking",
    )  # fmt: skip
    Condition.objects.create(resident=people.resident, code="F20", zh="精神分裂症")
    Medication.objects.create(resident=people.resident, code="N05AX08", zh="利培酮", dose="2 mg", since=AT.date())
    row = measured(people, "systolic", "184", ago=1)
    Observation.objects.filter(pk=row.pk).update(encounter=visit)


def told(summary):
    return {name: [one.get("zh") or one.get("said") for one in summary[name]] for name in ("problems", "medicines")}


class TestProtected:
    """What the record hides from the hospital the letter does not bring there either."""

    def test_it_does_not_travel_to_a_house_the_resident_did_not_name(self, people):
        hypertensive(people)
        protected(people)
        summary = queries.summary_of(people.gp, people.resident, AT, people.hospital.pk)
        sent = people.up(summary=summary)

        found = queries.get_referral(people.desk, sent.pk)

        assert told(found.summary) == {"problems": ["原发性高血压"], "medicines": []}
        assert (found.summary["values"], found.summary["criteria"], found.summary["withheld"]) == ([], [], True)
        page = text(client(people.desk).get(f"/referrals/{sent.pk}/"))
        assert "精神分裂" not in page
        assert "利培酮" not in page
        assert "受特别保护的内容没有随信" in page

    def test_with_a_consent_that_names_the_house_it_does(self, people):
        protected(people)
        consents.permit_sensitive(
            resident_id=people.resident.pk, organization_id=people.hospital.pk, by=resident_of(people), at=AT
        )
        summary = queries.summary_of(people.gp, people.resident, AT, people.hospital.pk)
        assert told(summary) == {"problems": ["精神分裂症"], "medicines": ["利培酮"]}
        assert [one["said"] for one in summary["values"]] == ["184 mmHg"]
        assert not summary["withheld"]

    def test_it_does_not_go_on_to_another_house(self, people):
        protected(people)
        consents.permit_sensitive(
            resident_id=people.resident.pk, organization_id=people.hospital.pk, by=resident_of(people), at=AT
        )
        sent = people.up(summary=queries.summary_of(people.gp, people.resident, AT, people.hospital.pk), reason="演示")
        other = organization("h2", "hospital", "别处医院", people.hospital.place, level=3)
        actions.redirect_referral(
            referral_id=sent.pk, to_organization_id=other.pk, specialty="cardiology", reason="没有号", is_agreed=True,
            by=people.desk.actor, at=AT,
        )  # fmt: skip
        assert Referral.objects.get(pk=sent.pk).summary == {}

    def test_where_nothing_is_protected_the_summary_goes_on(self, people):
        hypertensive(people, "152", "148")
        summary = queries.summary_of(people.gp, people.resident, AT, people.hospital.pk)
        sent = people.up(summary=summary, reason_code="htn_two_visits")
        other = organization("h2", "hospital", "别处医院", people.hospital.place, level=3)
        actions.redirect_referral(
            referral_id=sent.pk, to_organization_id=other.pk, specialty="cardiology", reason="没有号", is_agreed=True,
            by=people.desk.actor, at=AT,
        )  # fmt: skip
        found = Referral.objects.get(pk=sent.pk)
        assert found.summary == summary
        assert queries.is_intact(found)


def resident_of(people):
    return seat_of(people.resident.user, None).actor


class TestSummary:
    def test_it_is_frozen_with_the_letter_and_stays_as_it_was(self, people):
        hypertensive(people, "152", "148")
        summary = queries.summary_of(people.gp, people.resident, AT, people.hospital.pk)
        sent = people.up(summary=summary, reason_code="htn_two_visits")
        measured(people, "systolic", "128", ago=0)

        found = queries.get_referral(people.desk, sent.pk)

        assert [one["zh"] for one in found.summary["problems"]] == ["原发性高血压"]
        assert [one["said"] for one in found.summary["values"]] == ["152 mmHg"]
        assert queries.is_intact(found)

    def test_a_changed_word_is_seen(self, people):
        sent = people.up(summary={"problems": [], "as_of": "2026-05-04"})
        Referral.objects.filter(pk=sent.pk).update(summary={"problems": [{"zh": "改过"}]})
        assert not queries.is_intact(Referral.objects.get(pk=sent.pk))

    def test_no_summary_without_its_fingerprint(self, people):
        sent = people.up()
        with pytest.raises(IntegrityError), transaction.atomic():
            Referral.objects.filter(pk=sent.pk).update(summary={"problems": []})


def lies(people, diagnosis="I63 脑梗死"):
    """The patient came through the green channel and lies in the bed."""
    sent, now = at_window(people)
    Referral.objects.filter(pk=sent.pk).update(diagnosis=diagnosis)
    actions.receive_patient(referral_id=sent.pk, by=people.desk.actor, at=now)
    actions.confirm_visit(referral_id=sent.pk, by=people.desk.actor, at=now)
    actions.complete_part(referral_id=sent.pk, kind="ward", by=people.desk.actor, at=now)
    return sent, now


class TestDischarge:
    @pytest.mark.clause("XH23-5.1.2h")
    def test_a_stable_stroke_on_day_twelve_is_proposed_with_the_centre_of_the_patient(self, people):
        sent, lay = lies(people)
        found = queries.fit_to_go_down(people.desk, lay + timedelta(days=11))
        assert [(bed.referral.pk, bed.day) for bed in found] == [(sent.pk, 12)]
        assert found[0].referral.resident.centre == people.centre
        assert "康复" in found[0].label

    def test_too_soon_or_not_stable_or_of_no_rule_is_not_proposed(self, people):
        sent, lay = lies(people)
        day_12 = lay + timedelta(days=11)
        assert queries.fit_to_go_down(people.desk, lay + timedelta(days=5)) == []
        measured(people, "systolic", "190", ago=1, now=day_12)
        assert queries.fit_to_go_down(people.desk, day_12) == []
        Observation.objects.all().delete()
        Referral.objects.filter(pk=sent.pk).update(diagnosis="很久的头痛")
        assert queries.fit_to_go_down(people.desk, day_12) == []

    def test_who_is_handed_down_leaves_the_list(self, people):
        sent, lay = lies(people)
        day_12 = lay + timedelta(days=11)
        actions.propose_down(
            resident_id=people.resident.pk, to_organization_id=people.centre.pk, specialty="neurology",
            origin_id=sent.pk, by=people.desk.actor, at=day_12, **HAND_OVER,
        )  # fmt: skip
        assert queries.fit_to_go_down(people.desk, day_12) == []

    def test_a_hand_over_without_the_letter_counts_too_and_one_of_before_does_not(self, people):
        sent, lay = lies(people)
        day_12 = lay + timedelta(days=11)
        handed = people.down(at=day_12)
        assert handed.origin is None
        assert queries.fit_to_go_down(people.desk, day_12) == []
        Referral.objects.filter(pk=handed.pk).update(sent_at=sent.sent_at - timedelta(days=1))
        assert len(queries.fit_to_go_down(people.desk, day_12)) == 1

    @pytest.mark.parametrize("words", ["I63.902", "脑梗死（i63.9）", "高血压I10，脑梗死 I63", "急性脑梗死"])
    def test_the_diagnosis_is_known_however_it_was_written(self, people, words):
        _sent, lay = lies(people, words)
        assert len(queries.fit_to_go_down(people.desk, lay + timedelta(days=11))) == 1

    def test_list_and_form_name_the_centre_of_the_patient(self, people):
        sent, lay = lies(people)
        Resident.objects.filter(pk=people.resident.pk).update(centre=people.far_centre)
        found = queries.fit_to_go_down(people.desk, lay + timedelta(days=11))
        assert found[0].referral.resident.centre == people.far_centre
        address = f"/referrals/down/?resident={people.resident.pk}&origin={sent.pk}"
        page = client(people.desk).get(address).content.decode()
        assert f'<option value="{people.far_centre.pk}" selected>' in page

    def test_a_letter_older_than_the_pack_looks_back_is_not_on_the_list(self, people):
        sent, lay = lies(people)
        Referral.objects.filter(pk=sent.pk).update(sent_at=AT - timedelta(days=121))
        assert queries.fit_to_go_down(people.desk, lay + timedelta(days=11)) == []

    def test_a_centre_has_no_beds(self, people):
        _sent, lay = lies(people)
        assert queries.fit_to_go_down(people.gp, lay + timedelta(days=11)) == []


def test_pages_show_criteria_summary_and_beds(people):
    hypertensive(people, "152", "148")
    from django.utils import timezone

    for one in Observation.objects.all():
        moved = timezone.now() - (AT - one.taken_at)
        Observation.objects.filter(pk=one.pk).update(taken_at=moved, recorded_at=moved)
    page = text(client(people.gp).get(f"/referrals/new/?resident={people.resident.pk}"))
    assert "档案里符合的条件" in page
    told = queries.summary_of(people.gp, people.resident, timezone.now(), people.hospital.pk)
    sent = people.up(summary=told, reason_code="htn_two_visits")
    assert "和发出时一样" in text(client(people.desk).get(f"/referrals/{sent.pk}/"))
    assert "现在没有可以下转的" in text(client(people.desk).get("/referrals/discharge/"))
    assert "转诊专窗" in text(client(people.desk).get("/referrals/arrivals/"))
    assert "转诊成效" in text(client(people.desk).get("/referrals/results/"))
