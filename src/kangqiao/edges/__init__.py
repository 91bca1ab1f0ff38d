"""Where the product meets people and other systems; thin."""
