"""The people the system exists for, and who may see them why.

For: identity, home centre, insurance; one ledger of bases on which anyone may see a resident.
Nouns: resident (FHIR Patient), basis (FHIR Consent provision). States: none.
Policies: none yet. Stands on: accounts, institutions.
"""
