"""Hosts that fail: a circuit breaker and a retry budget for each, shared by all processes."""
