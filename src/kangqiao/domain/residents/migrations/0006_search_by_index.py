"""Search goes by indexes alone: every beginning of a key, pieces from inside a name, and numbers from their end."""

import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models.functions import Collate, Reverse

# What somebody may type to find a name: each beginning of a key, and after … up to four characters from inside it.
PIECES = """
CREATE OR REPLACE FUNCTION kangqiao_pieces(keys character varying[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
  SELECT array_agg(DISTINCT piece) FROM (
    SELECT left(key, size) AS piece FROM unnest(keys) key, generate_series(1, least(length(key), 24)) size
    UNION ALL
    SELECT '…' || substr(one.key, start, size)
      FROM unnest(keys) WITH ORDINALITY AS one(key, place), generate_series(2, length(one.key)) start,
           generate_series(1, least(4, length(one.key) - start + 1)) size
     WHERE one.place = 1 OR one.key ~ '[^ -~]'
  ) each
$body$"""


class Migration(migrations.Migration):
    dependencies = [("residents", "0005_who_somebody_is_and_merges")]

    operations = [
        migrations.RunSQL(PIECES, "DROP FUNCTION kangqiao_pieces(character varying[])"),
        migrations.AddIndex(
            model_name="resident",
            index=django.contrib.postgres.indexes.GinIndex(
                models.Func(models.F("keys"), function="kangqiao_pieces"), name="resident_pieces"
            ),
        ),
        migrations.AddIndex(
            model_name="resident",
            index=models.Index(Collate(Reverse("identifier"), "C"), name="resident_identifier_end"),
        ),
        migrations.AddIndex(
            model_name="resident",
            index=models.Index(Collate(Reverse("phone"), "C"), name="resident_phone_end"),
        ),
    ]
