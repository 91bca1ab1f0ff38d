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
    refuse_education,
    refuse_organization,
    want_education,
    withdraw_consent,
)
from kangqiao.domain.residents.actions.merging import merge_residents, undo_merge
from kangqiao.domain.residents.actions.oversight import (
    answer_question,
    ask_about_look,
    break_glass,
    question_emergency,
    report_wide_reading,
)
from kangqiao.domain.residents.actions.register import (
    NEIGHBOURHOOD,
    import_residents,
    link_user,
    record_death,
    register_resident,
    take_back,
)

__all__ = [
    "NEIGHBOURHOOD",
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
    "merge_residents",
    "name_guardian",
    "permit_sensitive",
    "question_emergency",
    "record_death",
    "refuse_education",
    "refuse_organization",
    "register_resident",
    "report_wide_reading",
    "take_back",
    "undo_merge",
    "want_education",
    "withdraw_consent",
]
