"""Use cases that span modules: each one function that calls actions in one transaction."""
