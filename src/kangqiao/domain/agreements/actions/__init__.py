"""Every write of agreements: drafting from the pack, signatures, taking effect, ending; and those signed before."""

from kangqiao.domain.agreements.actions.paper import import_signed
from kangqiao.domain.agreements.actions.steps import (
    discard_agreement,
    draft_agreement,
    end_agreement,
    justify_shortfall,
    lapse_due,
    propose_agreement,
    refuse_end,
    request_end,
    sign_agreement,
    take_effect_due,
)

__all__ = [
    "discard_agreement",
    "draft_agreement",
    "end_agreement",
    "import_signed",
    "justify_shortfall",
    "lapse_due",
    "propose_agreement",
    "refuse_end",
    "request_end",
    "sign_agreement",
    "take_effect_due",
]
