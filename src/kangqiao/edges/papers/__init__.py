"""Official papers as Word files: facts of a row, a template the customer can edit, and a code to check each by."""
