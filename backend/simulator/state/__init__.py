"""The simulator's state: one SQLite file, one small class for each kind of thing in it."""
