"""Plain values and words every other part may use: no Django, no file, no clock of its own."""
