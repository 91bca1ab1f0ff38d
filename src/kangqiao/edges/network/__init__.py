"""The network and how its duties are kept: pages that need agreements and the roster together."""
