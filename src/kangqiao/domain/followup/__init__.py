"""What is planned for whom: assessments, plans of care with what is due, questions after a visit, invitations, groups.

For: a class for each contracted resident from the facts of the record, a plan that follows from it, a list of what is
due, asking people some days after a visit how they are, calling those of the key groups who have no contract, and the
register of groups a team keeps on other platforms.
Nouns: assessment (FHIR RiskAssessment), plan of care (CarePlan) and item (CarePlan.activity), survey with its answers
(QuestionnaireResponse), invitation (Communication), group channel (Group), task of a team (Task): the diagnosis of a
visit gives it to the kind of member it belongs to.
States: plan running, replaced, closed; survey planned, asked, answered, read, or unanswered (`states.py`).
Policies: topics `followup`, `health_classes`, `surveys` and `team_tasks` (XH23-5.2.2b, XH23-5.2.3a, XH23-5.4.4c,
FT18-2.2k); all are settings.
Stands on: contracting, records, residents, messaging, accounts, institutions.
"""
