"""A class's marks: the run that makes them, its ledger and lock, nbgrader's gradebook, tables for others to read."""
