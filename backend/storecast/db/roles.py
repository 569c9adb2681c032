"""The database roles: each process connects as the one that may do the least it needs.

The login of ``DATABASE_URL`` owns the schema and runs migrations. Every other connection starts under one of
these roles, set by the connection's own start-up options, so that RESET ROLE does not leave it.
"""

from enum import StrEnum


class Role(StrEnum):
    """A role and what stands behind it."""

    APP = "storecast_app"
    """API requests and tenant jobs: sees only rows of ``current_setting('storecast.shop_id')``."""

    EDGE = "storecast_edge"
    """The hot paths: may insert what they accept and read what they need to check it."""

    RELAY = "storecast_relay"
    """Claims, publishes and finishes jobs of every shop; sees no customer."""

    PLATFORM = "storecast_platform"
    """Acts across shops: installation, the operators' console, schedules."""

    RETENTION = "storecast_retention"
    """Makes and drops partitions, deletes what is past its time."""


TENANT_SETTING = "storecast.shop_id"
"""The setting that row-level security compares ``shop_id`` with."""
