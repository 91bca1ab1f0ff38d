"""Time with a doctor as a scarce thing: sessions, slots, pools, bookings.

For: what can be booked by whom from when, and that no place is given twice.
Nouns: session (FHIR Schedule), slot (FHIR Slot), booking (FHIR Appointment).
States: a session is open or withdrawn; a booking is booked, arrived, fulfilled, cancelled or missed (`states.py`).
Policies: `slots` topic (SZ16-2.2b: partner centres before the public).
Stands on: residents, workforce, institutions, messaging.
"""
