"""The longitudinal record: visits, conditions, letters.

For: what happened to a resident, written once and read by everything later.
Nouns: encounter (FHIR Encounter), condition (FHIR Condition), document (FHIR DocumentReference). States: none.
Policies: none yet. Stands on: residents, workforce, institutions, terminology.
"""
