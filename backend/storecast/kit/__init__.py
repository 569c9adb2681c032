"""Small pure building blocks that know nothing of the domain."""
