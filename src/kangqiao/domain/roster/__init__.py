"""Experts in the community: who sits where in which half-day, and what they did there.

For: postings of eligible experts, half-days that meet the duties of the agreements, and the work done.
Nouns: posting (FHIR PractitionerRole), roster, half-day (FHIR Schedule), activity.
States: posting, roster and half-day (`states.py`).
Policies: `roster` topic (ZH-3.2.1a, SZ16-1c, SZ16-2.1a, SZ16-2.1b, SZ16-2.1c).
Stands on: scheduling, agreements, workforce, institutions, the planning engine.
"""
