"""Every step of a referral, up and down, and taking back the last one."""

from kangqiao.domain.referral.actions.arriving import complete_part, receive_patient
from kangqiao.domain.referral.actions.attaching import attach_file, take_back_file
from kangqiao.domain.referral.actions.down import (
    decline_down,
    propose_again,
    propose_down,
    record_first_contact,
    take_over,
)
from kangqiao.domain.referral.actions.joining import join_letter
from kangqiao.domain.referral.actions.parts import ITEMS
from kangqiao.domain.referral.actions.placing import advise_referral, defer_referral, redirect_referral
from kangqiao.domain.referral.actions.schools import (
    answer_school_case,
    escalate_school_cases,
    forward_school_case,
    open_school_case,
    withdraw_school_case,
)
from kangqiao.domain.referral.actions.steps import (
    CHANGEABLE,
    accept_referral,
    close_referral,
    confirm_visit,
    escalate_overdue,
    import_past,
    mark_not_attended,
    rebook_referral,
    resend_referral,
    return_referral,
    return_summary,
    send_up,
    withdraw_referral,
)
from kangqiao.domain.referral.actions.undoing import undo_step
from kangqiao.domain.referral.actions.weekly import tell_directors

__all__ = [
    "CHANGEABLE",
    "ITEMS",
    "accept_referral",
    "advise_referral",
    "answer_school_case",
    "attach_file",
    "close_referral",
    "complete_part",
    "confirm_visit",
    "decline_down",
    "defer_referral",
    "escalate_overdue",
    "escalate_school_cases",
    "forward_school_case",
    "import_past",
    "join_letter",
    "mark_not_attended",
    "open_school_case",
    "propose_again",
    "propose_down",
    "rebook_referral",
    "receive_patient",
    "record_first_contact",
    "redirect_referral",
    "resend_referral",
    "return_referral",
    "return_summary",
    "send_up",
    "take_back_file",
    "take_over",
    "tell_directors",
    "undo_step",
    "withdraw_referral",
    "withdraw_school_case",
]
