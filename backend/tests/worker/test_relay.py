"""The relay with a real broker: who goes first, who has to wait, and what is never lost on the way."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import psycopg
import pytest
import redis
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from demo.servers import EmbeddedRedis
from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.worker import limits, outbox
from storecast.worker.broker import BrokerUnavailable, make_celery
from storecast.worker.job import Job
from storecast.worker.models import OutboxJob, WorkLimit
from storecast.worker.relay import PLAN_LOCK, Relay


@dataclass(frozen=True, slots=True)
class Big(Job):
    name: ClassVar[str] = "tests.big"
    queue: ClassVar = "bulk"

    number: int


@dataclass(frozen=True, slots=True)
class Few(Job):
    name: ClassVar[str] = "tests.few"
    queue: ClassVar = "bulk"
    shop_in_flight: ClassVar[int | None] = 1

    number: int


@dataclass(frozen=True, slots=True)
class Small(Job):
    name: ClassVar[str] = "tests.small"
    queue: ClassVar = "default"
    bundle: ClassVar[int] = 10

    number: int


JOBS: dict[str, type[Job]] = {job.name: job for job in (Big, Few, Small)}


@pytest.fixture
def broker_address(redis_url: str, redis_server: EmbeddedRedis) -> str:
    return redis_server.celery_url


@pytest.fixture
def relay(database: str, broker_address: str) -> Iterator[Relay]:
    relay = Relay(database, make_celery(broker_address), JOBS)
    yield relay
    relay.close()


@pytest.fixture
def broker(redis_url: str) -> Iterator[redis.Redis]:
    # Celery's queues have a database of their own.
    with redis.Redis.from_url(redis_url.replace("db=0", "db=1")) as client:
        yield client


def stage(shop: Shop, *jobs: Job, **options: object) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        outbox.add_many(session, ShopId(shop.id), jobs, **options)  # type: ignore[arg-type]


def states(platform: Session) -> Counter[str]:
    platform.rollback()
    return Counter(platform.scalars(select(OutboxJob.state)))


def queued(platform: Session) -> Counter[tuple[int | None, str]]:
    platform.rollback()
    rows = platform.execute(select(OutboxJob.shop_id, OutboxJob.name).where(OutboxJob.state == "queued"))
    return Counter((row.shop_id, row.name) for row in rows)


def finish_all(platform: Session) -> None:
    """As if workers had done all that was handed to them."""
    with platform_session() as session:
        session.execute(OutboxJob.__table__.delete().where(OutboxJob.state == "queued"))  # type: ignore[attr-defined]


def test_shops_take_turns_and_what_has_no_room_waits(
    relay: Relay, broker: redis.Redis, shop: Shop, other_shop: Shop, platform: Session
) -> None:
    stage(shop, *(Big(number) for number in range(100)))
    stage(other_shop, *(Big(number) for number in range(4)))

    assert relay.step() == 16
    assert queued(platform) == {(shop.id, "tests.big"): 12, (other_shop.id, "tests.big"): 4}
    assert broker.llen("bulk") == 16
    assert relay.step() == 0
    assert states(platform) == {"queued": 16, "staged": 88}


def test_an_urgent_job_overtakes_what_was_staged_before_it(
    relay: Relay, broker: redis.Redis, shop: Shop, platform: Session
) -> None:
    stage(shop, *(Big(number) for number in range(50)))
    stage(shop, Big(99), priority=0)
    relay.step()
    platform.rollback()
    went = platform.scalars(select(OutboxJob.args["number"].as_integer()).where(OutboxJob.state == "queued"))
    assert 99 in set(went)


def test_small_jobs_of_a_shop_travel_together(
    relay: Relay, broker: redis.Redis, shop: Shop, platform: Session
) -> None:
    stage(shop, *(Small(number) for number in range(25)))
    assert relay.step() == 25
    assert broker.llen("default") == 3


def test_a_job_for_later_waits_in_the_database(
    relay: Relay, broker: redis.Redis, shop: Shop, platform: Session
) -> None:
    stage(shop, Big(1), run_at=utcnow() + timedelta(hours=1))
    assert relay.step() == 0
    with platform_session() as session:
        session.execute(update(OutboxJob).values(run_at=utcnow() - timedelta(seconds=1)))
    assert relay.step() == 1
    assert states(platform) == {"queued": 1}


@pytest.mark.parametrize(
    ("kind", "key"), [("queue", "bulk"), ("job", "tests.big"), ("shop", "the shop's id")]
)
def test_a_pause_holds_only_what_it_names(
    relay: Relay,
    broker: redis.Redis,
    shop: Shop,
    other_shop: Shop,
    platform: Session,
    kind: limits.Kind,
    key: str,
) -> None:
    key = str(shop.id) if kind == "shop" else key
    with platform_session() as session:
        limits.pause(session, kind, key, "op")
    stage(shop, Big(1))
    stage(other_shop, Small(2))
    assert relay.step() == 1
    assert queued(platform) == {(other_shop.id, "tests.small"): 1}

    with platform_session() as session:
        limits.resume(session, kind, key)
    assert relay.step() == 1


def test_a_capped_kind_hides_nothing_that_waits_behind_it(
    relay: Relay, broker: redis.Redis, shop: Shop, platform: Session
) -> None:
    stage(shop, *(Few(number) for number in range(6000)))
    stage(shop, Big(1))
    assert relay.step() == 1
    assert relay.step() == 1
    assert queued(platform) == {(shop.id, "tests.few"): 1, (shop.id, "tests.big"): 1}


def test_a_rate_lets_a_second_s_worth_go_at_once(
    relay: Relay, broker: redis.Redis, shop: Shop, platform: Session
) -> None:
    with platform_session() as session:
        limits.put(session, "queue", "bulk", rate=180, rate_period_s=60)
    stage(shop, *(Big(number) for number in range(50)))
    assert relay.step() == 3
    assert relay.step() == 0
    with platform_session() as session:
        session.execute(update(WorkLimit).values(tokens_at=utcnow() - timedelta(seconds=60)))
    assert relay.step() == 3


def test_an_operator_s_cap_takes_the_place_of_the_job_s_own(
    relay: Relay, broker: redis.Redis, shop: Shop, platform: Session
) -> None:
    with platform_session() as session:
        limits.put(session, "job", "tests.few", shop_in_flight=3)
    stage(shop, *(Few(number) for number in range(9)))
    assert relay.step() == 3


def test_a_broker_that_is_away_leaves_every_job_staged(database: str, shop: Shop, platform: Session) -> None:
    relay = Relay(database, make_celery("redis://127.0.0.1:1/0"), JOBS)
    stage(shop, *(Big(number) for number in range(5)))
    with pytest.raises(BrokerUnavailable):
        relay.step()
    relay.close()
    assert states(platform) == {"staged": 5}


def test_while_one_relay_plans_another_does_not(
    relay: Relay, broker: redis.Redis, database: str, shop: Shop, platform: Session
) -> None:
    stage(shop, Big(1))
    with psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [PLAN_LOCK])
        assert relay.step() == 0
        assert states(platform) == {"staged": 1}
    assert relay.step() == 1


def test_jobs_that_an_emptied_broker_lost_are_published_again(
    relay: Relay, broker: redis.Redis, broker_address: str, database: str, shop: Shop, platform: Session
) -> None:
    stage(shop, *(Big(number) for number in range(5)))
    relay.step()
    broker.flushall()
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE outbox SET published_at = now() - interval '11 seconds'")
    again = Relay(database, make_celery(broker_address), JOBS)
    assert again.step() == 5
    again.close()
    assert broker.llen("bulk") == 5


def test_what_still_waits_in_the_broker_is_not_published_twice(
    relay: Relay, broker: redis.Redis, broker_address: str, database: str, shop: Shop, platform: Session
) -> None:
    stage(shop, *(Big(number) for number in range(5)))
    relay.step()
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE outbox SET published_at = now() - interval '11 seconds'")
    again = Relay(database, make_celery(broker_address), JOBS)
    assert again.step() == 0
    again.close()
    assert broker.llen("bulk") == 5


def test_a_row_that_somebody_holds_delays_no_other(
    relay: Relay, broker: redis.Redis, database: str, shop: Shop, platform: Session
) -> None:
    stage(shop, Big(1), Big(2))
    with psycopg.connect(database) as writer:
        writer.execute("SELECT FROM outbox WHERE args->>'number' = '1' FOR UPDATE")
        assert relay.step() == 1
    assert relay.step() == 1


def test_every_line_has_its_turn_however_many_there_are(
    relay: Relay, broker: redis.Redis, database: str, shop: Shop, platform: Session
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO outbox (id, shop_id, name, queue, args, state, max_attempts) "
            "SELECT gen_random_uuid(), 1000 + n, 'tests.big', 'bulk', '{\"number\": 1}', 'staged', 3 "
            "FROM generate_series(1, 1100) AS n"
        )
    seen: set[int | None] = set()
    for _ in range(1100):
        relay.step()
        seen |= {shop_id for shop_id, _name in queued(platform)}
        finish_all(platform)
        if len(seen) == 1100:
            break
    assert len(seen) == 1100


def test_the_plan_of_a_large_backlog_reads_little(database: str, relay: Relay, broker: redis.Redis) -> None:
    """A million jobs of one shop cost a look at the first of them."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO outbox (id, shop_id, name, queue, args, state, max_attempts) "
            "SELECT gen_random_uuid(), 1 + n % 3, 'tests.big', 'bulk', '{\"number\": 1}', 'staged', 3 "
            "FROM generate_series(1, 30000) AS n"
        )
        connection.execute("ANALYZE outbox")
        plan = connection.execute(
            "EXPLAIN SELECT id FROM outbox WHERE state = 'staged' AND queue = 'bulk' AND coalesce(shop_id, 0) = 2 "
            "ORDER BY priority, run_at, id LIMIT 100"
        ).fetchall()
    text = "\n".join(row[0] for row in plan)
    assert "ix_outbox_lines" in text
    assert "Sort" not in text
