"""Settings, wiring and root URLs: the one part that knows everyone."""
