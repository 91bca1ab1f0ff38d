"""What the product tells people: the inbox of a seat or a person, and what goes out by text message or WeChat.

For: shortfalls, answers, deadlines; each with the sentence, the reason and the page to open. Outside is said only who
writes and that there is something to read, to who asked for it.
Nouns: notice (FHIR Communication), delivery of a notice by a channel, choice of a channel. States: unread, read; a
delivery is queued, sent, delivered or failed. Policies: quiet hours and repeats, all settings. Stands on: accounts,
institutions.
"""
