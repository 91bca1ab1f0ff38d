"""What residents and their team say to each other, and what residents think of what was done for them.

For: a question from the phone that the team answers in time, words of danger that are answered at once with whom to
call, handing over inside the team, how satisfied people are with each service, and what their centre offers when.
Nouns: enquiry (FHIR Task, Communication), message of it, rating of a service (FHIR QuestionnaireResponse), service of a
centre (FHIR HealthcareService).
States: enquiry waiting, answered, closed (`states.py`).
Policies: topic `portal` (FT18-2.2l, FT18-2.6e, XH23-5.2.2c, ZH-3.3e, ZH-3.2.3a); figures are settings.
Stands on: contracting, records, residents, messaging, accounts, institutions.
"""
