"""Engines, sessions, tenancy and partitions."""
