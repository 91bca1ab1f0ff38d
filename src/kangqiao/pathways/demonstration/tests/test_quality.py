"""The quality sample of the demonstration: every state of what was found is there to look at."""

from datetime import date

import pytest

from kangqiao.domain.accounts.models import Membership, Role
from kangqiao.domain.accounts.queries import seat_of
from kangqiao.domain.quality import queries
from kangqiao.domain.quality.models import SampledItem, Sampling
from kangqiao.pathways import demonstration
from kangqiao.pathways.demonstration import load

# On the first days of a month the one before was not over yet when it was drawn.
TODAY = date(2026, 5, 2)
STEPS = (
    "concepts", "zhuhai-network", "zhuhai-staff", "zhuhai-residents", "zhuhai-teams", "zhuhai-contracts",
    "zhuhai-quality",
)  # fmt: skip


@pytest.mark.django_db
def test_both_sides_find_what_waits_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "STEPS", [step for step in load.STEPS if step.key in STEPS])

    demonstration.load_region("zhuhai", today=TODAY, residents=load.RESIDENTS)

    drawn = Sampling.objects.get()
    assert drawn.is_demo
    assert (drawn.starts_on, drawn.ends_on) == (date(2026, 3, 1), date(2026, 3, 31))
    assert set(SampledItem.objects.values_list("status", flat=True)) == {
        "to_check", "sound", "found", "corrected", "closed",
    }  # fmt: skip
    where = Membership.objects.get(role=Role.CENTRE_MANAGER, organization=drawn.centre)
    seat = seat_of(where.user, None)
    assert seat is not None
    assert [one.n_found for one in queries.samplings(seat)] == [1]  # type: ignore[attr-defined]
    assert any(one.contracts.checked for one in queries.results(drawn))
