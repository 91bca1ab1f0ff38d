"""Random lives: what may happen to a place, a referral, an agreement, a settlement, in any order, by anybody."""
