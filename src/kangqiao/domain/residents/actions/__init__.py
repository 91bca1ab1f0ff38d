"""Writing residents, the ledger of bases, and what residents allow."""

from kangqiao.domain.residents.actions.bases import (
    Grant,
    end_basis,
    grant_bases,
    grant_basis,
    import_bases,
    import_visit_bases,
)
from kangqiao.domain.residents.actions.consents import (
    appoint_proxy,
    name_guardian,
    permit_sensitive,
    refuse_organization,
    withdraw_consent,
)
from kangqiao.domain.residents.actions.oversight import (
    answer_question,
    ask_about_look,
    break_glass,
    question_emergency,
    report_wide_reading,
)
from kangqiao.domain.residents.actions.register import import_residents, link_user, register_resident, take_back

__all__ = [
    "Grant",
    "answer_question",
    "appoint_proxy",
    "ask_about_look",
    "break_glass",
    "end_basis",
    "grant_bases",
    "grant_basis",
    "import_bases",
    "import_residents",
    "import_visit_bases",
    "link_user",
    "name_guardian",
    "permit_sensitive",
    "question_emergency",
    "refuse_organization",
    "register_resident",
    "report_wide_reading",
    "take_back",
    "withdraw_consent",
]
