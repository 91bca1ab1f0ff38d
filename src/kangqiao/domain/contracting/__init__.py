"""Who looks after whom: the teams of family doctors, what they promise, and the contracts with residents.

For: teams across organisations with written duties and zones, packages of services, contracts of persons and of
households through their whole life, what was done for them, who of the key groups is not reached yet, and how many are
at the places where people work, study or live together.
Nouns: team (FHIR CareTeam), duty, member and helper of a team, visit at home (Appointment), zone (Location), service
package and item (PlanDefinition), household (Group), contract (Contract with EpisodeOfCare), service done (Procedure),
key person (Flag), community with its list (Group), a team's visit to it (Appointment), approval of a house,
pilot of the one-stop service, visit with all of a team (Appointment) and its steps (Task).
States: team forming → open → closed; visit planned → done; approval asked → granted; contract applied, accepted,
signed, active, suspended, and seven ends (`states.py`). Renewing and changing the team are contracts of their own that
name the one before, so the one constraint on resident and term leaves neither overlap nor gap.
Policies: topics `contracting`, `packages`, `team_duties`, `service_ways`, `team_acts` and `one_stop` (ZH-4.5a, ZH-4.5b,
ZH-4.5c, ZH-4.5d, FT18-2.2c, FT18-2.3b, FT18-2.4c, FT18-2.4d, FT18-3.1a, SZ16-2.1d, SZ17-B9.a, SZ17-B9.c, XH23-5.2.1a,
XH23-5.2.1b, XH23-5.2.1c, XH23-5.2.1d, XH23-5.2.1e, XH23-5.2.1f, XH23-5.2.1g, XH23-5.2.2a, XH23-5.2.3b, XH23-5.2.3c).
Stands on: records, residents, workforce, messaging, accounts, institutions. What stands higher, such as referrals, is
counted as services in `pathways/contract_services.py` and for a team's month in `pathways/team_month.py`.
"""
