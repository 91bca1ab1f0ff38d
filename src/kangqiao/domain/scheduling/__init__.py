"""Time with a doctor as a scarce thing: sessions, slots, pools, bookings.

For: what can be booked by whom from when, and that no place is given twice.
Nouns: session (FHIR Schedule), slot (FHIR Slot), hold, booking (FHIR Appointment), pool rule, displaced.
States: a session is open or withdrawn; a booking is booked, arrived, fulfilled, cancelled or missed; whoever lost one
to a withdrawal is owed another until placed again or no longer in need (`states.py`, ADR 27).
Policies: `slots` topic. A hospital clinic opens to paired centres first: all of it during the head start, the reserved
shares until they fall to the next circle, some hours before their time (SZ16-2.2b); shares, head start and hours are
settings where the paper is silent, and a hospital, department or session may have a rule of its own. A posted expert's
session at a centre is public from the start, to residents registered anywhere: it is there to draw people to the centre
(SZ16-4.3f).
Free: `queries.FREE` is the one meaning of a free place, used by every list and by the statement that takes it.
Stands on: agreements (who is paired), records, residents, workforce, messaging, institutions, terminology.
"""
