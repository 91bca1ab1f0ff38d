"""Pages of accounts: the door, the second factor, proving again who one is, and the switches."""
