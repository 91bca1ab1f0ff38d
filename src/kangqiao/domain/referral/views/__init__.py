"""Pages of referral, by what is done there."""
