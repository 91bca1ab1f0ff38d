"""Flips every line that decides who may do or see something, and asks the tests whether they notice."""
