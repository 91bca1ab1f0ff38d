"""The longitudinal record: visits, values, problems, allergies, medicines, letters.

For: what happened to a resident, written once and read by everything later; what is due by age and condition.
Nouns: encounter (FHIR Encounter), observation (Observation), condition (Condition), allergy (AllergyIntolerance),
medication (MedicationStatement), immunization (Immunization), document (DocumentReference). States: none; what is over
has its day and reason.
Policies: SZ17-B8.a, SZ17-B9.b, XH23-4.1a, XH23-4.3a; limits and calendars in packs/cn-national. Stands on: residents,
workforce, institutions, terminology. Decided in ADR 18 and 36.
"""
