"""Rules of the repository: each file one rule, and beside it the fault it must find."""
