"""The desk of the system and the security administrator: accounts, roles and who agrees to them, locks, sign-ins."""
