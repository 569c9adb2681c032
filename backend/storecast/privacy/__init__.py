"""Data requests and erasure over every table that declares personal data."""
