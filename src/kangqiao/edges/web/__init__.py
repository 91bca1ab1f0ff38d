"""What the browser itself reports, and the refusal of a form that did not come from a page of this person's.

Nouns: content policy report, one-time mark of a form (CSRF token). States: none. Policies: none; limits are technical.
Stands on: the headers that `config.headers` sends.
"""
