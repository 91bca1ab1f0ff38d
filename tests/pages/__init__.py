"""Every page in a browser, in a city that has a row for each address."""
