"""One place for help: keys, the tour of a role, how to ask for help, and what is known about accessibility."""
