"""Pages of scheduling, by who sits before them."""
