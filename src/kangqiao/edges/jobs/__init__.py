"""Work that the clock starts: each job names its actor, calls actions and prints counts."""
