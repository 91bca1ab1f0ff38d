"""The network: places and typed organisations, from the health bureau to the station.

For: who exists, where, of what level and ownership, and what belongs to what.
Nouns: place (FHIR Location), organisation (FHIR Organization). States: none.
Policies: hospital level and guidance office of the joint-building plan (ZH-1a, ZH-4.1a), network table (ZH-A2a).
Stands on: terminology.
"""
