"""Commands: parse, name the actor, call one action, print counts."""
