from typing import Any

from django.db import migrations

from kangqiao.base.search import search_keys

BATCH = 2000


def renew(apps: Any, schema_editor: Any) -> None:
    """Keys hold no dot any more, and surnames their own reading."""
    table = apps.get_model("workforce", "Practitioner").objects
    rows = []
    for row in table.only("pk", "name", "keys").order_by("pk").iterator(chunk_size=BATCH):
        keys = search_keys(row.name)
        if keys == row.keys:
            continue
        row.keys = keys
        rows.append(row)
        if len(rows) == BATCH:
            table.bulk_update(rows, ("keys",))
            rows = []
    table.bulk_update(rows, ("keys",))


class Migration(migrations.Migration):
    """Staff of an older site are found by every reading of their name."""

    dependencies = [("workforce", "0001_initial")]

    operations = [migrations.RunPython(renew, migrations.RunPython.noop)]
