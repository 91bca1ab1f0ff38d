"""The yearly judgement: a hospital's or centre's score from frozen indicators, closed once.

For: the link between what was done and what is paid.
Nouns: appraisal, appraisal item (FHIR MeasureReport group). States: open, scored, closed (`states.py`).
Policies: `appraisal` topic (ZH-4.7a, SZ16-4.2b). Stands on: indicators, institutions.
"""
