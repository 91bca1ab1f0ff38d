"""Who promised what to whom: the agreement as a live object.

For: joint-building pairings, pairing agreements and target agreements with parties, term and duties; the network they
make, what it does not cover, and which hospitals must hold agreements and have none.
Nouns: agreement (FHIR OrganizationAffiliation with Contract), party (signer), duty (FHIR Contract.term).
States: draft, signing, signed, in force, ending requested, lapsed, ended, discarded (`states.py`). A pending request to
end changes nothing; only the authority ends early.
Policies: topics `agreements`, `duties` and `roster` of the packs (ZH-0b, ZH-1a, ZH-1b, ZH-2a, ZH-4.6b, ZH-A2b, ZH-A2c,
SZ16-1a, SZ16-1b, SZ16-1f, SZ16-2b). Parties and duties are copied from the pack on the day of drafting and stay.
Stands on: workforce, messaging, accounts, institutions. Whether duties are kept is computed in
`pathways/duty_compliance.py`, since it needs the roster.
"""
