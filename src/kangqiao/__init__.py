"""Kangqiao 康桥: a regional primary-care consortium, from agreement to publication."""

__version__ = "0.1.0"
