"""The code lists of the field, extendable by a city.

For: specialties, diagnoses and reasons under one roof, each with Chinese and English names.
Nouns: concept (FHIR CodeSystem.concept). States: none. Policies: the open specialty list of SZ16-1c.
Stands on: nothing of the domain.
"""
