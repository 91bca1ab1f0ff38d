"""The home worklist of each role, the rail beside every page, and the chain on one picture."""
