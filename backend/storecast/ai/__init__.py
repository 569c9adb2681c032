"""Suggestions from a shop's own data, by models that run here and need no key."""
