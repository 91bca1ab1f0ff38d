"""Synthesis: invented residents and their visits, for demonstrations, tests and benchmarks.

Columns from numpy, fixed by a seed; figures and their sources stand in `profiles/*.yaml`. Nobody here exists: names are
put together by lot, citizen ids name a province that does not exist, phones lie in an unassigned segment. The caller
who stores them marks them 演示.
"""

from kangqiao.engines.synthesis.encounters import (
    COMMUNITY,
    HOSPITAL,
    NOT_REFERRED,
    REFERRED_DOWN,
    REFERRED_UP,
    Encounters,
    generate_encounters,
)
from kangqiao.engines.synthesis.population import Population, PopulationSpec, Progress, Resident, generate_population
from kangqiao.engines.synthesis.profile import FEMALE, MALE, Profile, load_profile, profile_names

__all__ = [
    "COMMUNITY",
    "FEMALE",
    "HOSPITAL",
    "MALE",
    "NOT_REFERRED",
    "REFERRED_DOWN",
    "REFERRED_UP",
    "Encounters",
    "Population",
    "PopulationSpec",
    "Profile",
    "Progress",
    "Resident",
    "generate_encounters",
    "generate_population",
    "load_profile",
    "profile_names",
]
