"""Long work, uploaded tables and issued papers of a side of the world."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from kangqiao.base.models import ImportBatch, ImportRow, Job, Paper
from kangqiao.base.papers import mark_of
from kangqiao.domain.accounts.models import Membership

# Who keeps the week of a hospital as a table; others read in residents.
WEEK_PLANNERS = ("referral_desk", "guidance_office", "hospital_director", "dispatcher")

if TYPE_CHECKING:
    from tests.access_matrix.world import Side


def add_work(side: Side) -> None:
    """What everybody asked for as long work, and tables uploaded by those who may."""
    about = {"kind": "agreement", "subject_id": side.agreement.pk, "organization": side.house, "token": side.key}
    paper = side.add("paper", Paper, issued_at=side.at, **about)
    side.rows["paper_mark"] = SimpleNamespace(pk=mark_of(paper))
    for name, person in side.users.items():
        house = Membership.objects.filter(user=person).values_list("organization", flat=True).first()
        mine = {"by_id": f"user:{person.pk}", "organization_id": house}
        given = {"label": side.mark("job"), "failure": "", "result": b"x", "result_name": "a.csv"}
        side.add(f"job@{name}", Job, kind="import", started_at=side.at, **given, **mine)
        kind = "weekly_templates" if name in WEEK_PLANNERS else "residents"
        batch = side.add(f"import_batch@{name}", ImportBatch, kind=kind, created_at=side.at, **mine)
        cells = {
            "姓名": side.mark("import_row"),
            "证件号": f"P-{side.place_code}-{person.pk}",
            "出生日期": "1950-01-01",
        }
        cells |= {"性别": "女", "登记中心代码": side.centre.code, "医生": side.mark("import_row")}
        side.add(f"import_row@{name}", ImportRow, batch=batch, line=2, cells=cells, findings=[], mark="good")
