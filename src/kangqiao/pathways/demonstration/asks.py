"""An invented conversation of the resident of the reference story with the team, and what they thought of a visit."""

from __future__ import annotations

from datetime import timedelta

from kangqiao.domain.accounts.models import User
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.contracting.models import Contract, Service
from kangqiao.domain.contracting.states import RUNNING
from kangqiao.domain.portal import actions
from kangqiao.pathways.demonstration.run import Run

WHO, DOCTOR = "resident-bailu", "gp-xiangwan-1"
ASKED, ANSWERED = timedelta(days=2), timedelta(days=2, minutes=-20)


def load_questions(run: Run) -> int:
    """A question answered after twenty minutes, and a service rated; nothing where the two are not invented."""
    seats = {one.username: seat_of(one, None) for one in User.objects.filter(username__in=(WHO, DOCTOR), is_demo=True)}
    resident, doctor = seats.get(WHO), seats.get(DOCTOR)
    held = Contract.objects.filter(resident__user__username=WHO, status__in=RUNNING).first()
    if resident is None or doctor is None or held is None:
        return 0
    row = actions.ask_team(
        resident_id=held.resident_id, text="早上量的血压 146/90，药要加吗？", is_demo=True, by=resident.actor,
        at=run.at - ASKED,
    )  # fmt: skip
    words = "先不加。请早晚各量一次，连量三天记在档案里，我再看。头晕或胸闷马上联系我们。"
    actions.answer_enquiry(enquiry_id=row.pk, text=words, by=doctor.actor, at=run.at - ANSWERED)
    service = Service.objects.filter(contract=held).order_by("-on", "-pk").first()
    if service is not None:
        actions.rate_service(service_id=service.pk, stars=5, words="讲得很清楚。", by=resident.actor, at=run.at)
    return 2
