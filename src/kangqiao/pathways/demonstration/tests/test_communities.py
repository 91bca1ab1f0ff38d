"""The places of the demonstration: their people are of the register, but for those who shall be missing."""

from datetime import date

import pytest

from kangqiao.domain.contracting import queries
from kangqiao.domain.contracting.models import Affiliation, Community, CommunityVisit
from kangqiao.kernel.identifiers import is_citizen_id
from kangqiao.pathways import demonstration
from kangqiao.pathways.demonstration import load

TODAY = date(2026, 5, 14)
STEPS = (
    "concepts", "zhuhai-network", "zhuhai-staff", "zhuhai-residents", "zhuhai-teams", "zhuhai-contracts",
    "zhuhai-communities",
)  # fmt: skip


@pytest.mark.django_db
def test_places_have_people_with_and_without_a_record_and_days_of_the_team(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "STEPS", [step for step in load.STEPS if step.key in STEPS])

    demonstration.load_region("zhuhai", today=TODAY, residents=1_600)

    found = {one.community.kind: one for one in queries.reached(Community.objects.all(), TODAY)}
    assert (found["school"].unrecorded, found["care_home"].unrecorded, found["office_building"].unrecorded) == (4, 0, 2)
    assert all(0 < one.signed < one.people for one in found.values())
    assert (found["care_home"].last_on, found["care_home"].next_on) == (date(2026, 5, 7), date(2026, 5, 21))
    assert CommunityVisit.objects.filter(status="done").count() == 3
    assert all(is_citizen_id(number) for number in Affiliation.objects.values_list("identifier", flat=True))
    assert not Community.objects.filter(is_demo=False).exists()
    assert not Affiliation.objects.filter(is_demo=False).exists()
