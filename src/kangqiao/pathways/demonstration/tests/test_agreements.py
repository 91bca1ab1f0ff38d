from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from kangqiao.domain.agreements import queries
from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.institutions.queries import centres_in, organization
from kangqiao.domain.messaging.models import Notice
from kangqiao.pathways.demonstration import agreements, network, staff
from kangqiao.pathways.demonstration.load import LOADER
from kangqiao.pathways.demonstration.run import Run

TODAY = date(2026, 5, 18)


@pytest.mark.clause("ZH-A2a")
@pytest.mark.django_db
def test_every_centre_of_the_table_is_in_force_with_its_hospital() -> None:
    run = Run(TODAY, datetime(2026, 5, 18, tzinfo=ZoneInfo("Asia/Shanghai")), LOADER, residents=0)
    for load in (network.load_concepts, network.load_zhuhai, staff.load_zhuhai):
        load(run)

    rows = agreements.load_zhuhai(run)

    held = queries.in_force(TODAY, "4404", kinds=("joint_building",))
    assert Counter(held.values_list("hospital__code", flat=True)) == {
        "zh_people1": 3, "zh_people2": 3, "xz_people": 3, "zh_mch": 2, "sysu5": 2, "gdtcm_zh": 1, "xz_people2": 2,
    }  # fmt: skip
    assert set(held.values_list("centre__code", flat=True)) == set(centres_in("4404").values_list("code", flat=True))
    assert queries.in_force(TODAY, "4404", kinds=("target",)).count() == 16
    assert Counter(Agreement.objects.filter(kind="target").values_list("status", flat=True)) == {
        "lapsed": 16, "in_force": 16, "signing": 1, "draft": 1,
    }  # fmt: skip
    assert rows == Agreement.objects.filter(is_demo=True).count()
    waiting = Notice.objects.filter(read_at__isnull=True, organization=organization("c_xiangwan"))
    assert waiting.get().subject.startswith("请签署")
