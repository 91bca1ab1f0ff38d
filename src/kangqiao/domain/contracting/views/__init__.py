"""The pages of teams, packages and contracts."""
