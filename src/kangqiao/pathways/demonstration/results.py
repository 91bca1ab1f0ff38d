"""What came of the work: referrals, the appraisal of last year, its money, and the public lists."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from fractions import Fraction

from django.db.models import F
from django.utils import timezone

from kangqiao import policy
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.appraisal import actions as appraisals
from kangqiao.domain.finance import actions as finance
from kangqiao.domain.finance.models import BudgetFigure
from kangqiao.domain.institutions import queries as institutions
from kangqiao.domain.institutions.models import Place
from kangqiao.domain.publication import actions as publications
from kangqiao.domain.referral import actions as referrals
from kangqiao.domain.referral.models import Referral
from kangqiao.domain.referral.parameters import ReferralParameters
from kangqiao.domain.residents.models import Resident
from kangqiao.domain.residents.permissions import valid_at
from kangqiao.domain.scheduling import queries as scheduling
from kangqiao.domain.scheduling.models import Slot
from kangqiao.kernel.money import to_fen
from kangqiao.pathways.close_appraisal import close_appraisal
from kangqiao.pathways.demonstration.network import CITY
from kangqiao.pathways.demonstration.people import SEED
from kangqiao.pathways.demonstration.run import Run
from kangqiao.pathways.demonstration.work import Pair, pairs, person
from kangqiao.pathways.refer_with_slot import refer_with_slot

# Invented: referrals a centre sends in a month, how many of ten come back down, and of twenty how many are late.
UP_PER_MONTH, DOWN_OF_TEN, LATE_OF_TWENTY = 2, 3, 1
# Hospitals whose appraisal of last year is left for the bureau to close, and those whose list is still to be published.
OPEN_APPRAISALS = ("gdtcm_zh", "xz_people2")
UNPUBLISHED, SUBMITTED = "xz_people2", "gdtcm_zh"


@dataclass(frozen=True, slots=True)
class Case:
    """An invented reason to send somebody up, and whom it befalls: years of age, and the sex if only one."""

    specialty: str
    diagnosis: str
    reason: str
    years: tuple[int, int]
    history: str
    examination: str
    medicines: str = "无"
    sex: str = ""
    # Where else such a patient is seen well.
    also: str = ""

    def among(self, people: Sequence[Resident], on: date) -> list[Resident]:
        """Those it may befall; everybody where there is nobody."""
        first, last = self.years
        fit = [
            one for one in people
            if first <= on.year - one.birth_date.year <= last and self.sex in ("", one.sex)
        ]  # fmt: skip
        return fit or list(people)


CASES = (
    Case(
        "cardiology", "I10 高血压", "血压连续两次随访未达标", (45, 90), "患高血压数年，规律随访，近两个月控制不好。",
        "血压 152/94 mmHg，心率 78 次/分，余未见异常。", "缬沙坦 80mg 每日一次", also="geriatrics",
    ),
    Case(
        "endocrinology", "E11 2型糖尿病", "血糖三个月未达标", (40, 90), "患糖尿病数年，服药，近三个月血糖偏高。",
        "空腹血糖 9.4 mmol/L，体重无明显变化。", "二甲双胍 0.5g 每日两次", also="geriatrics",
    ),
    Case(
        "neurology", "I63 脑梗死后", "新发肢体麻木", (50, 90), "半年前脑梗死，恢复良好；三天前右手麻木。",
        "神志清，右手浅感觉减退，肌力 5 级。", "阿司匹林 100mg 每日一次",
    ),
    Case(
        "paediatrics", "J06 反复上呼吸道感染", "反复发热待查", (2, 13), "三个月内发热咳嗽四次，每次 3 至 5 天。",
        "体温 37.6 ℃，咽充血，双肺呼吸音清。", also="respiratory_medicine",
    ),
    Case(
        "gynaecology", "N94 痛经", "症状加重待查", (15, 45), "经期腹痛两年，近半年加重，影响上班。",
        "下腹轻压痛，无反跳痛。", sex="female",
    ),
)  # fmt: skip
REPLY = "已完善检查，调整用药；请社区按计划随访。"
PLAN = "用药：按出院医嘱。监测：血压每周两次。危险信号：胸痛、气促、意识改变即上转。复诊：4 周。"


def load_past_referrals(run: Run) -> int:
    """Referrals of last year and this up to last week, ended as most end."""
    past = list(_past(run))
    referrals.import_past(referrals=past, by=run.by, at=run.at)
    return len(past)


def load_open_referrals(run: Run) -> int:
    """Today's work at the desks: letters that wait, one that came back, hand-overs to answer."""
    made = 0
    for number, pair in enumerate(pairs()[:8]):
        doctor = person(Role.GP, pair.centre)
        case = CASES[number % len(CASES)]
        sent_at = run.at - timedelta(hours=number * 3 % 20)
        slot = None if number == 2 else _reserved(pair, case, run.at)
        known = Resident.objects.filter(centre=pair.centre, is_demo=True).order_by(F("user").asc(nulls_last=True), "pk")
        people = case.among(list(known[: 60 + number]), run.today)[: 6 + number]
        resident = people[0] if number == 0 else people[-1]
        letter = refer_with_slot(
            slot_id=slot.pk if slot else None, resident_id=resident.pk, attempt=f"demonstration:{number}",
            to_organization_id=pair.hospital.pk, specialty=slot.session.specialty if slot else case.specialty,
            urgency=Referral.Urgency.URGENT if number == 3 else Referral.Urgency.ROUTINE, diagnosis=case.diagnosis,
            reason=case.reason, history=case.history, examination=case.examination,
            question="请协助明确诊断并给出治疗方案。", medicines=case.medicines, allergies="无",
            has_consent=True, by=doctor, at=sent_at,
        )  # fmt: skip
        made += 1
        desk = person(Role.REFERRAL_DESK, pair.hospital)
        if number == 2:
            referrals.defer_referral(
                referral_id=letter.pk, reason="近两周的号已满，正在请门诊加号。", by=desk, at=run.at
            )
        if number == 5:
            referrals.return_referral(referral_id=letter.pk, reason="请补充近一周血压记录后再送。", by=desk, at=run.at)
        if number == 6 and slot is not None:
            referrals.accept_referral(referral_id=letter.pk, by=desk, at=run.at)
    return made + _handed_back(run)


def load_figures(run: Run) -> int:
    """The inputs of the money rules for last year, verified, with where they come from."""
    year = run.today.year - 1
    officer = person(Role.FINANCE_OFFICER, institutions.organization("zhuhai-finance"))
    served: dict[Place, int] = {}
    network = pairs()
    for pair in network:
        people = pair.centre.population_served or 0
        served[pair.centre.place] = served.get(pair.centre.place, 0) + people
        finance.record_figure(
            kind=BudgetFigure.Kind.POPULATION_SERVED, place_id=pair.centre.place_id, organization_id=pair.centre.pk,
            year=year, quantity=people, source="演示：虚构的服务人口，香洲区合计等于2020年普查人口", verified=True,
            is_demo=True, by=officer, at=run.at,
        )  # fmt: skip
    standard = policy.at(place=CITY, date=date(year, 12, 31)).value("finance", "per_capita_basic_public_health_yuan")
    for place, people in served.items():
        finance.record_figure(
            kind=BudgetFigure.Kind.BASIC_PUBLIC_HEALTH_FUND, place_id=place.pk, year=year,
            amount_fen=to_fen(Fraction(people) * standard.fraction()),
            source="演示：服务人口 × 人均基本公共卫生服务经费标准", verified=True, is_demo=True, by=officer, at=run.at,
        )  # fmt: skip
    return len(network) + len(served)


def load_appraisals(run: Run) -> int:
    """The appraisals of last year: scored for every hospital, closed for all but two; then the money."""
    year, bureau = run.today.year - 1, institutions.organization("zhuhai-health")
    officer = person(Role.BUREAU_OFFICER, bureau)
    finance.compute_settlement(
        place_id=institutions.place(CITY).pk, year=year,
        by=person(Role.FINANCE_OFFICER, institutions.organization("zhuhai-finance")), at=run.at,
    )  # fmt: skip
    hospitals = list(institutions.hospitals_in(CITY).order_by("pk"))
    for hospital in hospitals:
        opened = appraisals.open_appraisal(
            subject_id=hospital.pk, authority_id=bureau.pk, year=year, by=officer, at=run.at
        )
        appraisals.score_appraisal(appraisal_id=opened.pk, by=officer, at=run.at)
        if hospital.code not in OPEN_APPRAISALS:
            close_appraisal(appraisal_id=opened.pk, by=officer, at=run.at)
    return len(hospitals)


def load_publications(run: Run) -> int:
    """The public lists: last year's and this year's, one late, one waiting for approval, one not begun."""
    officer = person(Role.BUREAU_OFFICER, institutions.organization("zhuhai-health"))
    made = 0
    for number, hospital in enumerate(institutions.hospitals_in(CITY).order_by("pk")):
        office = person(Role.GUIDANCE_OFFICE, hospital)
        for year in (run.today.year - 1, run.today.year):
            if (hospital.code, year) == (UNPUBLISHED, run.today.year):
                continue
            at = _instant(date(year, 2, 10 + number), time_of_day(10))
            if at > run.at:
                continue
            draft = publications.draft_publication(organization_id=hospital.pk, year=year, by=office, at=at)
            publications.submit_publication(publication_id=draft.pk, by=office, at=at)
            made += 1
            if (hospital.code, year) == (SUBMITTED, run.today.year):
                continue
            publications.approve_publication(publication_id=draft.pk, by=officer, at=at)
            publications.publish_publication(
                publication_id=draft.pk, by=office, at=at + timedelta(days=20 if number == 3 else 3)
            )
    return made


def _past(run: Run) -> Iterator[Referral]:
    chance = random.Random(SEED)  # noqa: S311 (invented cases, the same each time)
    rules = ReferralParameters.read(policy.at(place=CITY, date=run.today))
    month, number = run.start, 0
    known = [(pair, _first_people(pair), _relation(pair)) for pair in pairs()]
    while month < run.today - timedelta(days=31):
        for pair, people, agreement in known:
            for _turn in range(UP_PER_MONTH):
                number += 1
                case = chance.choice(CASES)
                sent_at = _instant(month + timedelta(days=chance.randrange(28)), time_of_day(9, chance.randrange(60)))
                limit = rules.accept_limit("routine")
                share = 1.3 if chance.randrange(20) < LATE_OF_TWENTY else chance.uniform(0.05, 0.9)
                up = Referral(
                    number=f"YS{month:%y%m}-{number:05d}", direction="up",
                    resident=chance.choice(case.among(people, run.today)),
                    from_organization=pair.centre, to_organization=pair.hospital, agreement=agreement,
                    specialty=case.specialty, diagnosis=case.diagnosis, reason=case.reason, history=case.history,
                    examination=case.examination, medicines=case.medicines, allergies="无",
                    has_consent=True, is_green_channel=True, reply=REPLY, status="closed", sent_at=sent_at,
                    clock_from=sent_at, answered_at=sent_at + limit * share,
                    due_at=sent_at + limit, answer_by=sent_at + limit, policy_ref=rules.ref,
                )  # fmt: skip
                yield up
                if chance.randrange(10) < DOWN_OF_TEN:
                    yield _down(up, pair, sent_at + timedelta(days=5), rules)
        month = (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def _first_people(pair: Pair) -> list[Resident]:
    return list(Resident.objects.filter(centre=pair.centre, is_demo=True).order_by("pk")[:60])


def _relation(pair: Pair) -> Agreement | None:
    return Agreement.objects.filter(centre=pair.centre, kind=Agreement.Kind.JOINT_BUILDING).first()


def _down(up: Referral, pair: Pair, sent_at: datetime, rules: ReferralParameters) -> Referral:
    limit = rules.down_limit("routine")
    return Referral(
        number=f"{up.number}-X", direction="down", resident=up.resident, from_organization=pair.hospital,
        to_organization=pair.centre, agreement=up.agreement, specialty=up.specialty, diagnosis=up.diagnosis,
        reason="病情稳定，治疗方案明确", medicines="见出院医嘱", plan=PLAN, has_consent=True, status="followed_up",
        sent_at=sent_at, clock_from=sent_at,
        answered_at=sent_at + limit / 2, due_at=sent_at + limit, answer_by=sent_at + limit, policy_ref=rules.ref,
    )  # fmt: skip


def _handed_back(run: Run) -> int:
    """Two patients the hospitals hand back today; the hospital saw them before, so it may."""
    made = 0
    known_pairs = pairs()
    for pair in (known_pairs[0], known_pairs[3]):
        desk = person(Role.REFERRAL_DESK, pair.hospital)
        known = valid_at(run.at).filter(organization=pair.hospital).values("resident_id")
        resident = Resident.objects.filter(centre=pair.centre, pk__in=known, is_demo=True).order_by("pk").first()
        if resident is None:
            continue
        referrals.propose_down(
            resident_id=resident.pk, to_organization_id=pair.centre.pk, specialty="cardiology", diagnosis="I10 高血压",
            reason_code="stable_for_community", has_consent=True, reason="血压达标，治疗方案明确",
            medicines="缬沙坦 80mg 每日一次", plan=PLAN, by=desk,
            at=run.at,
        )  # fmt: skip
        made += 1
    return made


def _reserved(pair: Pair, case: Case, at: datetime) -> Slot | None:
    free = scheduling.free_slots(
        [pair.hospital.pk], starts=at + timedelta(days=2), ends=at + timedelta(days=28),
        standing=scheduling.Standing(partner=frozenset({pair.hospital.pk}), centre_id=pair.centre.pk), now=at,
    )  # fmt: skip
    return next((slot for slot in free if slot.session.specialty in (case.specialty, case.also)), None)


def _instant(day: date, at: time_of_day) -> datetime:
    return datetime.combine(day, at, tzinfo=timezone.get_default_timezone())
