"""`/healthz`: is this site well, for machines that ask.

Nouns: database, tables (migrations), worker, version. States: well or not. Policies: none; it tells nothing of people.
Stands on: the database connection and the worker's heartbeat.
"""
