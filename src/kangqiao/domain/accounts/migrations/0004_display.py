from typing import Any

from django.db import migrations, models


def to_words(apps: Any, schema_editor: Any) -> None:
    """Large pages that somebody chose stay large."""
    apps.get_model("accounts", "User").objects.filter(elder_mode=True).update(display="elder")


def to_mark(apps: Any, schema_editor: Any) -> None:
    """The one mark says less; what it can say is kept."""
    apps.get_model("accounts", "User").objects.filter(display__startswith="elder").update(elder_mode=True)


class Migration(migrations.Migration):
    """Size, contrast and keys instead of one mark for large pages."""

    dependencies = [("accounts", "0003_sign_in")]

    operations = [
        migrations.AddField("user", "display", models.CharField(blank=True, default="", max_length=40), preserve_default=False),
        migrations.RunPython(to_words, to_mark),
        migrations.RemoveField("user", "elder_mode"),
    ]
