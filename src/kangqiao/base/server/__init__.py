"""What keeps one Kangqiao running on one machine.

Nouns: the *data folder* (everything a site owns), the *embedded server* (PostgreSQL from a wheel, ours alone), the
*supervisor* (web, worker and database as its children), the *steps* a start goes through.
States: none are stored but the lock of the data folder; a start is complete when `/healthz` says so.
Policies: none.
Stands on: the standard library and psycopg. Nothing here imports Django, so that a start, a stop or a refusal is quick
and a broken setting cannot keep a site from being stopped.
"""
