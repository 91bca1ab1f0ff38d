"""Closing an appraisal: the page that shows what money it releases, and the step that does both."""
