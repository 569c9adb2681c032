"""Ways out: one Protocol, one contract battery."""
