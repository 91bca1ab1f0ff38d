

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('base', '0002_audit_chain'),
    ]

    operations = [
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('owner_id', models.BigIntegerField()),
                ('action', models.CharField(max_length=500)),
                ('step', models.CharField(blank=True, max_length=40)),
                ('page', models.CharField(max_length=500)),
                ('sealed', models.BinaryField()),
                ('at', models.DateTimeField(db_index=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('owner_id', 'action', 'step'), name='draft_once')],
            },
        ),
    ]
