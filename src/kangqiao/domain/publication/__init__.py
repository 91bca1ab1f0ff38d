"""What the public may read: agreements, experts, places, times and terms, frozen, dated and hashed.

For: the yearly list due by the end of February, and its difference to the last one.
Nouns: publication. States: draft, submitted, approved, published, returned (`states.py`).
Policies: `publication` topic (SZ16-4.3b, SZ16-4.3c). Stands on: agreements, roster, institutions.
"""
