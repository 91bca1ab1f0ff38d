"""An invented district of hospitals and centres, its year of demand, and the people who answer it day by day.

Used by `bench.year`; `tests/lives/test_year.py` runs a small one.
"""
