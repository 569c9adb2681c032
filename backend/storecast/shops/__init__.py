"""Shops: the tenants, their settings and their encrypted tokens."""
