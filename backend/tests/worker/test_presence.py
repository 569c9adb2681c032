"""A worker's lock, over a connection that other threads use as well."""

import threading

import psycopg
import pytest

from storecast.worker.presence import Presence


def test_a_connection_on_which_another_thread_waits_is_not_taken_for_a_dead_one(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        presence = Presence("host/7")
        presence.show(connection)
        stop = threading.Event()
        failed: list[Exception] = []

        def ask() -> None:
            while not stop.is_set():
                try:
                    connection.execute("SELECT pg_sleep(0.001)").fetchall()
                except psycopg.Error as error:
                    failed.append(error)
                    return

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for _ in range(100):
                presence.show(connection)
        finally:
            stop.set()
            asking.join()
        assert failed == []


def test_a_server_that_closed_the_connection_is_noticed(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        presence = Presence("host/7")
        presence.show(connection)
        with psycopg.connect(database, autocommit=True) as other:
            gone = connection.info.backend_pid
            assert other.execute("SELECT pg_terminate_backend(%s, 10000)", [gone]).fetchall() == [(True,)]
        with pytest.raises(psycopg.OperationalError):
            presence.show(connection)
        assert connection.closed
