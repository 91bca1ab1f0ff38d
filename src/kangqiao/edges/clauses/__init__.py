"""Every clause of the papers: its words, what holds of it here, where it is in the product, and its tests."""
