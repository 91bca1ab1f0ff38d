"""The people the system exists for, and who may see them why.

For: identity, papers, home centre, insurance, death; two registrations of one person (ADR 19); one ledger of bases on
which anyone may see a resident, what residents allow and refuse, who looked and what was asked about it.
Nouns: resident (FHIR Patient), merge (Patient.link), basis (FHIR Consent provision), consent (FHIR Consent),
emergency, question. States: question asked → answered. Policies: topic `access`, the specially protected conditions.
Stands on: messaging, accounts, institutions.
"""
