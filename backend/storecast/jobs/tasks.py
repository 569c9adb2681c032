"""Runs the maintenance jobs."""

import structlog

from storecast.db import partitions
from storecast.db.roles import Role
from storecast.db.session import engine
from storecast.jobs.jobs import MaintainPartitions
from storecast.kit.clock import utcnow
from storecast.worker import schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

schedule.daily(MaintainPartitions(), hour=2, minute=10)


@task(MaintainPartitions)
def maintain_partitions(_job: MaintainPartitions, _ctx: TaskContext) -> None:
    """One transaction a table: a lock that cannot be had soon fails this table only, and the job tries again."""
    now = utcnow()
    for table in partitions.PARTITIONED:
        with engine(Role.RETENTION).begin() as connection:
            partitions.limit_lock_wait(connection)
            created = partitions.ensure(connection, table, now=now)
            dropped = partitions.drop_expired(connection, table, now=now)
        log.info("partitions_maintained", table=table, created=len(created), dropped=len(dropped))
