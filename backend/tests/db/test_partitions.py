"""Partitions are made ahead and dropped past their time, by the role that owns them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.db import access, partitions
from storecast.db.roles import Role
from storecast.db.session import engine
from storecast.entrypoints.metadata import metadata
from storecast.kit.clock import utcnow


def test_every_partitioned_table_is_maintained() -> None:
    declared = {table.name for table in metadata.sorted_tables if access.partition_column(table)}
    assert declared == set(partitions.PARTITIONED)


@given(at=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), step=st.sampled_from(["day", "month"]))  # noqa: DTZ001
def test_bounds_hold_the_instant_and_join_without_gap(at: datetime, step: partitions.Step) -> None:
    instant = at.replace(tzinfo=UTC)
    start, end = partitions.bounds(instant, step)

    assert start <= instant < end
    assert partitions.bounds(end, step)[0] == end
    assert partitions.bounds(end - timedelta(microseconds=1), step) == (start, end)


@pytest.mark.parametrize("table", sorted(partitions.PARTITIONED))
def test_partitions_are_made_once_and_dropped_when_expired(database: str, table: str) -> None:
    now = utcnow()
    later = now + timedelta(days=60)
    kept = partitions.PARTITIONED[table]
    with engine(Role.RETENTION).begin() as connection:
        made = partitions.ensure(connection, table, now=later)
        assert len(made) >= 2
        assert partitions.ensure(connection, table, now=later) == []
        # Those of today may be past their time by then; those just made are not.
        assert not set(made) & set(partitions.drop_expired(connection, table, now=later))
        expired = partitions.drop_expired(connection, table, now=later + kept.keep + timedelta(days=500))
        assert set(made) <= set(expired)
        assert set(made) <= set(partitions.ensure(connection, table, now=later))
