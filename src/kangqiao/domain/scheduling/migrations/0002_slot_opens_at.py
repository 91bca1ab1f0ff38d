from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="slot", name="opens_at", field=models.DateTimeField(default=Now()), preserve_default=False
        ),
    ]
