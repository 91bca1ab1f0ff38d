"""Checks an export of the audit with nothing but the file, heads that somebody kept, and a public key.

An export is lines of JSON: for each organisation a `chain` line, its `head` lines, one line for each link with its
event, and an `end` line. `verify` reads them once, in order, and says the first place that is not as it was sealed.
"""
