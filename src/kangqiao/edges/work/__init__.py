"""Long work: what somebody asked for, how far it is, and the files that came of it."""
