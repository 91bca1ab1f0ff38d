"""Races with real connections; each file first proves that the race exists without the guard."""
