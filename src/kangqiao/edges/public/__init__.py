"""What everybody may read without signing in: the published lists, frozen, dated and checkable."""
