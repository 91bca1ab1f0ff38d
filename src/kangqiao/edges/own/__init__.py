"""One's own sign-ins: where one is in, the second factors, the password, and the tie to single sign-on."""
