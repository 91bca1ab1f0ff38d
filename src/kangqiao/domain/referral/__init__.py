"""Up and down between centre and hospital, with a place already taken and an answer owed.

For: sending, receiving, returning, visiting, summarising and handing back; never a patient lost between two buildings.
Nouns: referral (FHIR ServiceRequest with Task), part (an examination or bed kept with it). States: `states.py`.
Policies: `referral` topic (ZH-3.2.4a, ZH-3.2.4b, ZH-4.4b, SZ16-2.2a, SZ16-2.2c).
Stands on: agreements, contracting, scheduling, records, residents, messaging.
"""
