"""A simulator as a process of its own, and the app's webhook address played by a recorder."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from simulator import schema
from tests.simulator.harness import Platform, Received, Recorder, running, wait_until


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with app.arrived:
                status = app.statuses.pop(0) if app.statuses else 200
                app.received.append(Received({k.lower(): v for k, v in self.headers.items()}, body))
                app.arrived.notify_all()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    app = Recorder(f"http://127.0.0.1:{server.server_address[1]}/webhooks")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(scope="session", autouse=True)
def admin_schema() -> None:
    schema.fetch()


@pytest.fixture(scope="session")
def _platform(tmp_path_factory: pytest.TempPathFactory, recorder: Recorder) -> Iterator[Platform]:
    state = tmp_path_factory.mktemp("simulator")
    options = ("--seed", "generated", "--customers", "300", "--restore-rate", "1000")
    with running(state, recorder.url, *options) as platform:
        yield platform


@pytest.fixture
def platform(_platform: Platform, recorder: Recorder) -> Iterator[Platform]:
    """Installed, without faults, nothing on its way to the recorder."""
    _platform.control("install")
    recorder.statuses.clear()
    wait_until(lambda: _platform.state()["webhooks"]["waiting"] == 0)
    recorder.received.clear()
    yield _platform
    _platform.http.delete(f"{_platform.base}/control/faults").raise_for_status()
    recorder.statuses.clear()


@pytest.fixture
def token(platform: Platform) -> str:
    return platform.token()
