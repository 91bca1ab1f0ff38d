"""Who signs in, and from which seat they act.

For: users, fixed roles with a plain description, and dated memberships of organisations.
Nouns: user, membership (FHIR PractitionerRole), seat (the membership a person acts from now). States: none.
Policies: none. Stands on: institutions.
"""
