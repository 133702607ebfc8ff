"""Making an assignment: its release, the rules it keeps, known answers and mutants, and what they earn."""
