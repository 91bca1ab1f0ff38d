"""The people who treat: licence, title, specialty, employer, absences.

For: who may be posted where and when.
Nouns: practitioner (FHIR Practitioner), absence. States: none.
Policies: the title rule for posted experts (SZ16-1c). Stands on: accounts, institutions, terminology.
"""
