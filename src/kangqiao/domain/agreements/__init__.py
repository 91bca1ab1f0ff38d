"""Who promised what to whom: the agreement as a live object.

For: joint-building pairings, pairing agreements and target agreements with parties, term and duties.
Nouns: agreement (FHIR OrganizationAffiliation with Contract), party, duty (FHIR Contract.term).
States: draft, signed, in force, ending requested, lapsed, ended (`states.py`).
Policies: `agreements` and `roster` topics of the packs (ZH-0b, ZH-1a, ZH-2a, ZH-4.6b, SZ16-1a, SZ16-1b, SZ16-1f).
Stands on: workforce, institutions, messaging.
"""
