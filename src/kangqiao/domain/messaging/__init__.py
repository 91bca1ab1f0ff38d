"""What the product tells people: the inbox of a seat or a person.

For: shortfalls, answers, deadlines; each with the sentence, the reason and the page to open.
Nouns: notice (FHIR Communication). States: unread, read. Policies: none. Stands on: accounts, institutions.
"""
