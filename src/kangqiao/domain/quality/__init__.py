"""The quality control centre of contract service: samples, what is found in them, and how it is put right.

For: a bureau that draws contracts and services of a centre by lot, checks each by telephone or on paper, and follows
what is found until the centre has corrected it.
Nouns: sampling (FHIR Group), sampled item (FHIR Task). States: to check → sound, or found → corrected → closed.
Policies: topics `quality` and `quality_findings` (XH23-5.2.4a). Stands on: contracting (teams, contracts, services),
residents (whom to call), messaging, accounts, institutions. Decided in ADR 37.
"""
