"""What residents and their team say to each other, and what residents think of what was done for them.

For: a question from the phone that the team answers in time, words of danger that are answered at once with whom to
call, handing over inside the team, and how satisfied people are with each service.
Nouns: enquiry (FHIR Task, Communication), message of it, rating of a service (FHIR QuestionnaireResponse).
States: enquiry waiting, answered, closed (`states.py`).
Policies: topic `portal` (FT18-2.2l, FT18-2.6e, XH23-5.2.2c); the words of danger and the time limits are settings.
Stands on: contracting, records, residents, messaging, accounts, institutions.
"""
