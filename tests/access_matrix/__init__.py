"""Who gets what from which address: every URL, every role, and words of somebody else's that must never appear."""
