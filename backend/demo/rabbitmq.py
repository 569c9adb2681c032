"""A RabbitMQ node of its own for tests and benchmarks, where the machine has the server installed.

Invariants: own node name, own ports on 127.0.0.1 and own epmd, so that no other node (Debian starts one) is met or
disturbed; all data in the caller's folder; node and epmd die with the process that started them.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import amqp

from demo.servers import STOP_DEADLINE_S, EmbeddedServer, ServerFailed, tethered

INSTALL = "install it (Debian: `apt-get install rabbitmq-server`)"
PLACES = ("/usr/lib/rabbitmq/bin", "/usr/local/lib/rabbitmq/bin", "/opt/rabbitmq/sbin")
"""Where packages keep the scripts that run as anybody; the one in PATH insists on an account of its own."""

CONFIGURATION = """\
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
# Jobs of hours acknowledge late (storecast/worker/broker.py says it per queue, which 3.12 and later read).
consumer_timeout = 25200000
"""


def find_rabbitmq() -> Path | None:
    """The script that starts a node, when the machine has one."""
    for place in PLACES:
        if (script := Path(place) / "rabbitmq-server").is_file():
            return script
    found = shutil.which("rabbitmq-server")
    return Path(found) if found is not None else None


class EmbeddedRabbit(EmbeddedServer):
    """One RabbitMQ node, reached as its guest over loopback."""

    name = "rabbitmq"
    title = "RabbitMQ"
    stop_signals = (signal.SIGTERM,)

    def __init__(self, folder: Path, *, log: Path | None = None) -> None:
        super().__init__(folder, log=log)
        self._node = f"storecast-{secrets.token_hex(4)}@localhost"
        self._port, self._distribution_port, self._epmd_port = free_ports(3)
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def celery_url(self) -> str:
        """For Celery: the default virtual host."""
        return f"amqp://guest:guest@{self.address}//"

    @property
    def epmd_pid(self) -> int | None:
        return self._epmd.pid if self._epmd is not None else None

    def stop(self) -> None:
        super().stop()
        epmd, self._epmd = self._epmd, None
        if epmd is not None:
            epmd.terminate()
            epmd.wait(STOP_DEADLINE_S)

    def _prepare(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        (self.data / "rabbitmq.conf").write_text(CONFIGURATION)
        # In the foreground, or it would outlive us as a daemon that nobody knows.
        command = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
        with self.log.open("ab") as log:
            self._epmd = subprocess.Popen(
                tethered(command, signal.SIGTERM), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _command(self) -> list[str]:
        script = find_rabbitmq()
        if script is None:
            raise ServerFailed(self.name, "rabbitmq-server is not installed", advice=INSTALL)
        settings = {
            "HOME": str(self.data),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.data / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.data / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self.data / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.data / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.data / "config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.data / "enabled_plugins"),
            "RABBITMQ_PLUGINS_EXPAND_DIR": str(self.data / "plugins"),
            "RABBITMQ_PID_FILE": str(self.data / "node.pid"),
            # An idle Erlang scheduler spins by default, which on two cores takes from whom it serves.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }
        return ["env", *(f"{name}={value}" for name, value in settings.items()), str(script)]

    def _answers(self) -> bool:
        try:
            with amqp.Connection(self.address, connect_timeout=5) as connection:
                return bool(connection.connected)
        except (OSError, amqp.exceptions.AMQPError):
            return False


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody had a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
