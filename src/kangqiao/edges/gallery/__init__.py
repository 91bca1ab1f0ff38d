"""The gallery: every page component once, in every state, for those who write pages. Only in demonstration mode.

Stands on `base` alone: no module, no database row. The people and figures on it are invented.
"""
