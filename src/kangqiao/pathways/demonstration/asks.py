"""Invented: a resident asks the team, rates a visit, is asked how it goes; what the centre offers, writes, a group."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.utils.timezone import localtime

from kangqiao.base.actor import Actor
from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.agreements.queries import paired_hospitals
from kangqiao.domain.contracting.models import Contract
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.education import actions as education
from kangqiao.domain.followup import actions as followup
from kangqiao.domain.followup.models import GroupChannel
from kangqiao.domain.followup.parameters import followup_at
from kangqiao.domain.portal import actions, queries
from kangqiao.domain.records import actions as records
from kangqiao.domain.workforce.models import Practitioner
from kangqiao.pathways.demonstration.run import Run

WHO, DOCTOR = "resident-zhouguyu", "gp-gongbei-1"
# Nobody has the right to ask before the accounts are made, this morning.
ANSWERED_AFTER = timedelta(minutes=20)
VISITED_AFTER = timedelta(hours=9)
OFFERED = (
    ("全科门诊", "General practice", "周一至周日 8:00–20:00"),
    ("中医和针灸", "Chinese medicine and acupuncture", "周一至周六 8:00–17:30"),
    ("儿童预防接种", "Vaccination of children", "周二、周四、周六 8:00–11:30"),
    ("儿童保健", "Child health", "周一、周三 8:00–17:00"),
    ("孕产妇保健", "Maternal health", "周二、周五 8:00–17:00"),
    ("老年人体检", "Check-up of the elderly", "周一至周五 7:30–10:00（空腹）"),
    ("慢病随访", "Follow-up of long-term problems", "周一至周五 8:00–17:00"),
    ("康复", "Rehabilitation", "周一至周五 14:00–17:00"),
    ("上门护理", "Home nursing", "电话预约，周一至周五"),
)
# Title, whom for, what it rests on, and the text.
WRITTEN = (
    ("血压这样量才准", ("hypertension",), "国家基层高血压防治管理指南 2020",
     "量之前坐着歇五分钟，不说话，不跷腿。\n\n袖带绑在光着的上臂，和心口一样高。\n\n连量两次，隔一分钟，记平均数。"
     "早上起来吃药前一次，晚上睡前一次。\n\n高压到 180，或者头痛、胸闷、手脚没力气：马上打 120。"),
    ("糖尿病的人怎么看脚", ("diabetes",), "国家基层糖尿病防治管理指南 2022",
     "每天洗脚后看一遍：脚底、脚趾缝、脚后跟，看不清请家人看。\n\n水温用手肘试，不用脚试。\n\n"
     "破皮、起泡、发红发烫，当天到社区中心来，不要自己剪、自己挑。"),
    ("慢阻肺，吸药的四步", ("J44",), "中国慢性阻塞性肺疾病基层诊疗与管理指南 2024",
     "先把气呼干净。\n\n嘴包住吸嘴，按下去的同时慢慢吸到底。\n\n屏住气，心里数到十。\n\n吸完漱口。"
     "一天里比平时喘得多、痰变黄，当天来看。"),
    ("家里怎么防摔倒", ("elderly",), "老年人跌倒干预技术指南 2011",
     "夜里床到厕所的路上留一盏灯。\n\n浴室铺防滑垫，装扶手。\n\n起床先坐半分钟再站。\n\n"
     "摔了以后头痛、想吐、站不起来：不要硬撑，打 120。"),
)  # fmt: skip


def load_questions(run: Run) -> int:
    """A question answered after twenty minutes, a service rated, a plan; nothing where the two are not invented."""
    seats = {one.username: seat_of(one, None) for one in User.objects.filter(username__in=(WHO, DOCTOR), is_demo=True)}
    resident, doctor = seats.get(WHO), seats.get(DOCTOR)
    held = Contract.objects.filter(resident__user__username=WHO, status__in=RUNNING).first()
    if resident is None or doctor is None or held is None:
        return 0
    row = actions.ask_team(
        resident_id=held.resident_id, text="早上量的血压 146/90，药要加吗？", is_demo=True, by=resident.actor,
        at=run.at,
    )  # fmt: skip
    answered = run.at + ANSWERED_AFTER
    words = "先不加。请早晚各量一次，连量三天记在档案里，我再看。头晕或胸闷马上联系我们。"
    actions.answer_enquiry(enquiry_id=row.pk, text=words, by=doctor.actor, at=answered)
    service = next(iter(queries.to_rate(resident, held.resident, run.today)), None)
    if service is not None:
        actions.rate_service(service_id=service.pk, stars=5, words="讲得很清楚。", by=resident.actor, at=run.at)
    followup.assess(contract_id=held.pk, by=doctor.actor, at=answered)
    _survey(held, run)
    owner = held.team.members.get(is_lead=True)
    followup.register_channel(
        owner_id=owner.pk, kind=GroupChannel.Kind.CHRONIC, platform="微信", zh="拱北慢病管理群（演示）", people=126,
        by=doctor.actor, at=run.at,
    )  # fmt: skip
    _offers(held.team.organization_id, run)
    _materials(held, doctor.actor, run)
    return 4


def _survey(held: Contract, run: Run) -> None:
    """A visit to the doctor a week ago, and what the resident is asked about it today."""
    house = held.team.organization
    after = followup_at(house.place.code, run.today).survey_after.integer()
    doctor = Practitioner.objects.get(user__username=DOCTOR)
    seen_at = run.at - timedelta(days=after) + VISITED_AFTER
    visit = records.record_encounter(
        resident_id=held.resident_id, organization_id=house.pk, practitioner_id=doctor.pk, started_at=seen_at,
        diagnosis="I10", reason="头晕两天", outcome="treated", by=run.by, at=seen_at,
    )  # fmt: skip
    source, on = f"encounter:{visit.pk}", localtime(seen_at).date()
    seen = followup.Visit(held.resident_id, "visit", on, source, house.pk, house.pk, doctor.pk)
    followup.plan_surveys(visits=(seen,), by=run.by, at=run.at)
    followup.ask_surveys(by=run.by, at=run.at)


def _materials(held: Contract, doctor: Actor, run: Run) -> None:
    """What the centre wrote for residents, and the first sending, to those whose turn begins with this resident."""
    for title, audience, source, text in WRITTEN:
        education.write_material(
            organization_id=held.team.organization_id, title=title, text=text, source=source, audience=audience,
            is_demo=True, by=doctor, at=run.at,
        )  # fmt: skip
    education.send_materials(after=held.resident_id - 1, by=run.by, at=run.at)


def _offers(house_id: int, run: Run) -> None:
    """What the centre offers when; one thing with the hospital it works with."""
    offer = partial(actions.offer_service, organization_id=house_id, since=run.start, by=run.by, at=run.at)
    for zh, en, times in OFFERED:
        offer(zh=zh, en=en, times=times)
    hospital = paired_hospitals(house_id, run.today).first()
    if hospital is not None:
        offer(
            zh="高血压专家门诊", en="Hypertension clinic", times="周三 8:30–11:30", supporter_id=hospital.pk,
            specialty="cardiology",
        )  # fmt: skip
