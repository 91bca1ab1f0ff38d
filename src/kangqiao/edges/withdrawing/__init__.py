"""Calling a session off, a substitute taking it over, and everybody who lost a place until each has another."""
