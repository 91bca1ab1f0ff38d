"""What stations did in a month, collected and summed by the centre they belong to.

For: monthly reports of stations in the kinds a team is counted by, whether they came in time, and sums that say what is
missing in them.
Nouns: station report (FHIR MeasureReport) with its counts. States: none; a correction is a report of its own, and the
one before is kept.
Policies: topic `records` and the kinds of `team_acts` (ZH-4.3d, ZH-4.5d).
Stands on: contracting (the kinds), accounts, institutions (which station belongs to which centre).
"""
