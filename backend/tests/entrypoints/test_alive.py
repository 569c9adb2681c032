import socket
from datetime import timedelta

from storecast.db.session import platform_session
from storecast.entrypoints import alive
from storecast.fleet import service as fleet
from storecast.kit.clock import utcnow


def beat(host: str, age: timedelta) -> None:
    now = utcnow()
    process = fleet.Beat(name=f"relay@{host}", kind="relay", host=host, pid=7, started_at=now)
    with platform_session() as session:
        fleet.beat(session, process, now=now - age)


def test_a_host_without_a_heartbeat_is_not_alive(database: str) -> None:
    beat("elsewhere", timedelta(0))
    assert alive.main() == 1


def test_a_fresh_heartbeat_is_alive_and_a_lost_process_is_not(database: str) -> None:
    beat(socket.gethostname(), timedelta(0))
    assert alive.main() == 0
    beat(socket.gethostname(), fleet.LOST_AFTER + timedelta(seconds=1))
    assert alive.main() == 1
