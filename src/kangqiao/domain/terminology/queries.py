"""Reading the code lists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.db.models import CharField, QuerySet
from django.utils.translation import gettext as _

from kangqiao.base.prepared import Prepared, Told, among
from kangqiao.base.search import wanted_key
from kangqiao.domain.terminology.models import Concept
from kangqiao.kernel.errors import RuleBroken


def concepts(system: str) -> QuerySet[Concept]:
    """The active concepts of a code system, in list order."""
    return Concept.objects.filter(system=system, is_active=True)


def concept(system: str, code: str) -> Concept:
    """The concept of that code, active or not. Raises RuleBroken for a code the list does not hold."""
    found: list[Concept] = _concept.models(system=system, code=code)
    if not found:
        raise RuleBroken(
            _("“%(list)s”里没有代码 %(code)s。") % {"list": Concept.System(system).label, "code": code},
            next_step=_("请先在术语表登记，或改用已有代码。"),
        )
    return found[0]


@Prepared
def _concept() -> QuerySet[Concept]:
    return Concept.objects.filter(system=Told("system", CharField()), code=Told("code", CharField())).order_by()


def label(system: str, code: str, language: str = "zh") -> str:
    """The name of a code in `zh` or `en`; a code the list does not hold is shown as it is."""
    found: list[Concept] = _concept.models(system=system, code=code)
    if not found:
        return code
    return found[0].en or found[0].zh if language == "en" else found[0].zh


def labels(system: str, language: str = "zh") -> dict[str, str]:
    """Name by code in `zh` or `en`, for pages that show many rows."""
    (found,) = labels_of((system,), language)
    return found


def labels_of(systems: Sequence[str], language: str = "zh") -> list[dict[str, str]]:
    """The same for several systems in one statement, in their order."""
    found: dict[str, dict[str, str]] = {system: {} for system in systems}
    for system, code, zh, en in _names.ask(systems=list(systems)):
        found[system][code] = en or zh if language == "en" else zh
    return list(found.values())


@Prepared
def _names() -> QuerySet[Concept, Any]:
    return Concept.objects.filter(among("system", "systems", CharField)).values_list("system", "code", "zh", "en")


def search_concepts(system: str, text: str, limit: int) -> list[Concept]:
    """Active concepts whose characters, pinyin or initials begin with the text, in list order."""
    wanted = wanted_key(text)
    if not wanted:
        return list(concepts(system)[:limit])
    found = (row for row in concepts(system) if any(key.startswith(wanted) for key in (*row.keys, row.code.lower())))
    return list(islice(found, limit))
