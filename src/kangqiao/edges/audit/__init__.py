"""The audit to be looked at: the page of the audit administrator, the nightly check, exports, and the public heads.

Nouns: event, link, head (`base.models`). What is checked is what an outsider checks: `engines.audit` on the lines of
an export. Stands on base, accounts and institutions.
"""
