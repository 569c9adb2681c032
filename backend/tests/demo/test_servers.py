"""The embedded servers start, keep, recover and stop, under every identity that this machine allows."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import psycopg
import pytest
import redis

from demo import servers
from demo.servers import AlreadyRunning, EmbeddedPostgres, EmbeddedRedis, ServerFailed

BACKEND = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.throw_away_folder() as made:
        yield made


@pytest.fixture(params=["namespace", "account"])
def identity(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to run what refuses root; who has one way only (ordinary users, containers) runs it twice."""
    way = str(request.param)
    if os.geteuid() == 0 and way == "account":
        monkeypatch.setenv("PATH", "")
    return way


def wait_until(condition: Callable[[], bool], *, deadline_s: float = 20) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.02)


def test_postgres_keeps_its_data_over_a_restart(folder: Path, identity: str) -> None:
    with EmbeddedPostgres(folder) as first, psycopg.connect(first.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with EmbeddedPostgres(folder) as second, psycopg.connect(second.dsn) as connection:
        assert connection.execute("SELECT number, current_user::text FROM kept").fetchone() == (
            7,
            "storecast",
        )
    assert list(servers.processes_in(folder / "postgres")) == []


def test_postgres_recovers_when_killed(folder: Path, identity: str) -> None:
    with EmbeddedPostgres(folder) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.running())
        assert (folder / "postgres" / "postmaster.pid").exists()
        server.start()
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_postgres_starts_when_its_pid_file_names_a_stranger(folder: Path) -> None:
    EmbeddedPostgres(folder).start().stop()
    (folder / "postgres" / "postmaster.pid").write_text(
        f"{os.getpid()}\n{folder / 'postgres'}\n0\n5432\n\n\n"
    )
    with EmbeddedPostgres(folder) as server:
        assert server.running()


def test_postgres_starts_after_an_interrupted_initdb(folder: Path) -> None:
    (folder / "postgres" / "new" / "base").mkdir(parents=True)
    with EmbeddedPostgres(folder) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_postgres_owner_is_no_superuser_but_makes_roles(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server, psycopg.connect(server.dsn) as connection:
        rights = "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = 'storecast'"
        assert connection.execute(rights).fetchone() == (False, True, False)
        connection.execute("CREATE ROLE storecast_app NOLOGIN")


def test_postgres_copies_a_database(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        with psycopg.connect(server.create_database("copy", template="storecast")) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        server.drop_database("copy")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(server.dsn_of("copy"))


async def test_asyncpg_connects_with_the_same_address(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as server:
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("SELECT current_database()") == "storecast"
        await connection.close()


def test_postgres_of_another_version_is_refused_untouched(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerFailed, match="made by PostgreSQL 9"):
        EmbeddedPostgres(folder).start()
    assert (folder / "postgres" / "PG_VERSION").read_text() == "9\n"


def test_a_failing_start_shows_the_end_of_the_log(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start().stop()
    (folder / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(ServerFailed) as failure:
        server.start()
    assert "no_such_setting" in str(failure.value)
    assert str(server.log) in str(failure.value)
    assert not server.running()


def test_redis_keeps_its_data_when_killed(folder: Path) -> None:
    with EmbeddedRedis(folder) as server:
        with redis.Redis.from_url(server.redis_url) as client:
            client.set("kept", "7")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.running())
        server.start()
        with redis.Redis.from_url(server.redis_url) as client:
            assert client.get("kept") == b"7"


def test_only_the_owner_may_enter_the_sockets_folder(folder: Path) -> None:
    with EmbeddedPostgres(folder, durable=False) as postgres, EmbeddedRedis(folder, durable=False) as cache:
        for server in (postgres, cache):
            assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700
            listening = [
                c for c in psutil.Process(server.pid).net_connections("inet") if c.status == "LISTEN"
            ]
            assert listening == []
        kept = (postgres.sockets, cache.sockets)
    assert [path for path in kept if path.exists()] == []


def test_a_folder_that_somebody_prepared_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    owner = folder / "demo"
    servers.runtime_dir(owner).chmod(0o755)
    with pytest.raises(ServerFailed, match="not a private folder"):
        servers.runtime_dir(owner)


def test_a_long_runtime_folder_is_passed_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = folder / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with EmbeddedRedis(folder, durable=False) as server:
        assert not server.socket.is_relative_to(long)


def test_two_owners_of_one_folder_are_refused(folder: Path) -> None:
    with EmbeddedRedis(folder, durable=False) as server:
        with pytest.raises(AlreadyRunning, match=str(os.getpid())):
            EmbeddedRedis(folder).start()
        assert server.running()


def test_servers_die_with_a_killed_owner_and_the_next_owner_starts(folder: Path, identity: str) -> None:
    program = f"""
import pathlib, signal
from demo.servers import EmbeddedPostgres, EmbeddedRedis
folder = pathlib.Path({str(folder)!r})
servers = [EmbeddedPostgres(folder).start(), EmbeddedRedis(folder).start()]
print(*[server.pid for server in servers], flush=True)
signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=BACKEND, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        children = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        assert len(children) == 2
        owner.kill()
    with EmbeddedPostgres(folder) as postgres, EmbeddedRedis(folder) as cache:
        assert postgres.running()
        assert cache.running()
        assert [child for child in children if child.is_running() and child.status() != "zombie"] == []


def test_the_environment_replaces_the_embedded_servers(folder: Path) -> None:
    named = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "unix:///r.sock?db=0"}
    with servers.stores(folder, environ=named) as addresses:
        assert addresses.environment() == {
            **named,
            "CELERY_BROKER_URL": "redis+socket:///r.sock?virtual_host=1",
            "CELERY_RESULT_BACKEND": "redis+socket:///r.sock?virtual_host=1",
        }
    assert list(folder.iterdir()) == []


def test_a_foreign_broker_keeps_results_in_redis(folder: Path) -> None:
    named = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://r/0", "CELERY_BROKER_URL": "amqp://q"}
    with servers.stores(folder, environ=named) as addresses:
        assert addresses.environment()["CELERY_RESULT_BACKEND"] == "redis://r/0"
        assert addresses.environment()["CELERY_BROKER_URL"] == "amqp://q"


def test_stop_is_safe_twice_and_before_start(folder: Path) -> None:
    server = EmbeddedRedis(folder)
    server.stop()
    server.start()
    address = server.socket
    server.stop()
    server.stop()
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(FileNotFoundError):
        client.connect(str(address))
