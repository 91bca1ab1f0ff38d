"""Single sign-on by OpenID Connect: the site names one provider, and accounts are tied to its verified ids."""
