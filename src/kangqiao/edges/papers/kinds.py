"""The kinds of paper: whose facts, under which state a paper is void or corrected, and who may ask for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kangqiao.base.models import Paper
from kangqiao.base.papers import is_corrected, status_of
from kangqiao.domain.accounts.models import Role
from kangqiao.domain.accounts.permissions import Seat
from kangqiao.edges.papers import facts
from kangqiao.kernel.errors import NotVisible

TRUE, CORRECTED, VOID = "true", "corrected", "void"


@dataclass(frozen=True, slots=True)
class PaperKind:
    """One kind: `void` and `corrected` are the states of its row in which the paper no longer holds."""

    key: str
    title: Any
    model: str
    facts: Callable[[Seat, int, datetime], Mapping[str, Any]]
    void: frozenset[str] = frozenset()
    corrected: frozenset[str] = frozenset()


KINDS = {
    kind.key: kind
    for kind in (
        PaperKind(
            "referral", gettext_lazy("双向转诊单"), "referral.Referral", facts.referral, frozenset({"withdrawn"}),
        ),
        PaperKind(
            "agreement", gettext_lazy("协议书"), "agreements.Agreement", facts.agreement,
            frozenset({"discarded", "ended"}),
        ),
        PaperKind(
            "target", gettext_lazy("目标管理责任书"), "agreements.Agreement", facts.agreement,
            frozenset({"discarded", "ended"}),
        ),
        PaperKind(
            "settlement", gettext_lazy("结算单"), "finance.Settlement", facts.settlement,
            corrected=frozenset({"superseded"}),
        ),
        PaperKind(
            "contract", gettext_lazy("家庭医生签约协议书"), "contracting.Contract", facts.contract,
            frozenset({"withdrawn", "ended", "transferred"}),
        ),
        PaperKind("publication", gettext_lazy("公示表"), "publication.Publication", facts.publication),
    )
}  # fmt: skip
# Who has papers at all; the row's own scope decides which.
HOLDERS = (
    Role.GP, Role.CENTRE_MANAGER, Role.EXPERT, Role.REFERRAL_DESK, Role.GUIDANCE_OFFICE, Role.HOSPITAL_DIRECTOR,
    Role.DISPATCHER, Role.BUREAU_OFFICER, Role.FINANCE_OFFICER,
)  # fmt: skip


def kind_named(key: str) -> PaperKind:
    """The kind of that name. Raises NotVisible."""
    if key not in KINDS:
        raise NotVisible(_("没有这种文书。"))
    return KINDS[key]


def standing(paper: Paper) -> str:
    """Whether a paper still says what is so: true, corrected or void. Whoever calls may read every row."""
    kind = KINDS[paper.kind]
    status = status_of(kind.model, paper.subject_id)
    if status is None or status in kind.void:
        return VOID
    return CORRECTED if status in kind.corrected or is_corrected(paper) else TRUE
