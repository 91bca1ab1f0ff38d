"""Numbers with one definition each: facts in, indicators out, on three engines.

For: duty compliance, visits, two-way referral and what appraisal and money need, each with formula and drill-down.
Nouns: indicator (FHIR Measure), measure report (FHIR MeasureReport). States: none; a report is frozen when made.
Policies: `appraisal` topic for targets. Stands on: the fact tables alone, institutions.
"""
