"""Tables in: one page for every list that people fill in as a sheet. One file per list says what its rows mean."""
