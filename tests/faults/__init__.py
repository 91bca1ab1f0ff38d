"""Faults: what a site must survive, with real processes that are really killed."""
