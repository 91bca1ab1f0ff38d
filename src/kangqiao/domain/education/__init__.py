"""Health education: one library for all centres, sent to residents by what they live with, and how much of it is read.

For: what one centre writes every centre uses; every few days each contracted resident gets the next thing that fits,
once, until they say that they want no more.
Nouns: material (FHIR DocumentReference), sending (Communication); who refuses it does so in the ledger of consents.
States: none.
Policies: topic `education` (XH23-5.4.4g); how often, and the problems one can write for, are settings.
Stands on: contracting, records, residents, messaging, accounts, institutions.
"""
