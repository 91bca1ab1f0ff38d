"""Tests of the product as a whole: journeys, races, faults, access, the repository itself."""
