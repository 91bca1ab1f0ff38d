"""The page of a resident for those who treat, and the visit written beside it."""
