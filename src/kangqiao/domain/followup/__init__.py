"""What is planned for whom: health assessments, plans of care with what is due, invitations, and group channels.

For: a class for each contracted resident from the facts of the record, a plan that follows from it, a list of what is
due, calling those of the key groups who have no contract, and the register of groups a team keeps on other platforms.
Nouns: assessment (FHIR RiskAssessment), plan of care (CarePlan) and item (CarePlan.activity), invitation
(Communication), group channel (Group).
States: plan running, replaced, closed (`states.py`).
Policies: topics `followup` and `health_classes` (XH23-5.2.2b, FT18-2.2k); limits and classes are settings.
Stands on: contracting, records, residents, messaging, accounts, institutions.
"""
