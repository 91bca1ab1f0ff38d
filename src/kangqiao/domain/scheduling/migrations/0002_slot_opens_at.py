from datetime import UTC, datetime

from django.db import migrations, models

# A slot made before the horizon was kept has been open since ever.
EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="slot", name="opens_at", field=models.DateTimeField(default=EVER), preserve_default=False
        ),
    ]
