"""The audit as a whole: what it never says, and what leaves it."""
