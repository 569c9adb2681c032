"""The webhook inbox and its topic registry."""
