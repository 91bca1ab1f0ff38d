"""The people the system exists for, and who may see them why.

For: identity, home centre, insurance; one ledger of bases on which anyone may see a resident, what residents allow and
refuse, who looked and what was asked about it.
Nouns: resident (FHIR Patient), basis (FHIR Consent provision), consent (FHIR Consent), emergency, question.
States: question asked → answered. Policies: topic `access`, the specially protected conditions.
Stands on: messaging, accounts, institutions.
"""
