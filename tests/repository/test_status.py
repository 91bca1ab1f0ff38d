"""`base.transition` is the only writer of a status column."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.repository.sources import DOMAIN, PRODUCT, name, none, product, text

WRITING = {"update", "create", "get_or_create", "update_or_create", "acreate", "aupdate"}


def faults(source: str, path: str) -> Iterator[str]:
    """Places that write a status past the state table; a new row takes its initial state by default."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            wrote = any(isinstance(target, ast.Attribute) and target.attr == "status" for target in targets)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = {word.arg for word in node.keywords}
            wrote = node.func.attr in WRITING and bool({"status", "status_id"} & named)
            wrote = wrote or (node.func.attr == "bulk_update" and "'status'" in ast.unparse(node))
        elif isinstance(node, ast.Call):
            wrote = isinstance(node.func, ast.Name) and node.func.id == "setattr" and "'status'" in ast.unparse(node)
        else:
            continue
        if wrote:
            yield f"{path}:{node.lineno}: writes a status; use transition()"


def test_only_transition_writes_a_status() -> None:
    places = (DOMAIN, PRODUCT / "pathways", PRODUCT / "edges")
    paths = [path for path in product() if any(path.is_relative_to(place) for place in places)]

    assert paths
    none(fault for path in paths for fault in faults(text(path), name(path)))


def test_faults_finds_planted_ones() -> None:
    planted = (
        "referral.status = 'sent'\n"
        "Referral.objects.filter(pk=1).update(status='sent')\n"
        "Referral.objects.create(status='accepted')\n"
        "setattr(referral, 'status', 'sent')\n"
        "Referral.objects.bulk_update(rows, ['status'])\n"
        "Referral.objects.filter(status='sent')\n"
        "render(request, page, status=422)\n"
        "transition(referral, UP, 'accept', by=by, at=at)\n"
    )

    assert [int(fault.split(":")[1]) for fault in faults(planted, "x.py")] == [1, 2, 3, 4, 5]
