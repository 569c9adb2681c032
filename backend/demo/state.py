"""What a demo keeps between runs: its ports and its secrets, in one folder.

Invariants: ports and secrets are chosen once; a port is chosen again only when somebody else has taken it;
the secrets are readable by their owner alone.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.servers import FolderLock

PORT_NAMES = ("simulator", "smtp", "api", "edge")
PORT_RANGE = range(20_000, 32_000)
"""Below the range from which Linux takes ports for outgoing connections, so that a kept port stays free."""
SECRET_NAMES = ("SHOPIFY_API_SECRET", "APP_SECRET_KEY", "SESSION_SECRET_KEY")
SECRET_BYTES = 32
LOCK_NAME = "demo"
PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = PROJECT / ".demo"


@dataclass(frozen=True, slots=True)
class DemoState:
    """The ports and secrets of one demo; `moved` names the ports that had to be chosen again."""

    folder: Path
    ports: dict[str, int]
    secrets: dict[str, str]
    moved: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: Path) -> DemoState:
        """Read what was kept, choose what is missing or taken, and keep it."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = _read(folder / "ports.json")
        ports: dict[str, int] = {}
        for name in PORT_NAMES:
            port = kept.get(name)
            ports[name] = (
                port if isinstance(port, int) and is_free(port) else choose_port(set(ports.values()))
            )
        moved = tuple(name for name in PORT_NAMES if name in kept and kept[name] != ports[name])
        known = _read(folder / "secrets.json")
        keys = {name: str(known.get(name) or secrets.token_urlsafe(SECRET_BYTES)) for name in SECRET_NAMES}
        _write(folder / "ports.json", ports, mode=0o644)
        _write(folder / "secrets.json", keys, mode=0o600)
        return cls(folder, ports, keys, moved)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def choose_port(taken: set[int]) -> int:
    """A free port; random, so that two demos that start at once do not reach for the same one."""
    for port in random.sample(PORT_RANGE, len(PORT_RANGE)):
        if port not in taken and is_free(port):
            return port
    raise OSError(f"no port of {PORT_RANGE.start} to {PORT_RANGE.stop - 1} is free")


def reset(folder: Path) -> bool:
    """Delete everything a demo kept, when none runs there; whether there was anything."""
    if not folder.exists():
        return False
    lock = FolderLock(folder, LOCK_NAME)
    lock.acquire()
    try:
        shutil.rmtree(folder)
    finally:
        lock.release()
    return True


def _read(path: Path) -> dict[str, Any]:
    """What a file keeps; a file that a crash cut short counts as missing."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(path: Path, value: object, *, mode: int) -> None:
    """Replace in one step, never readable by more than `mode` allows."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        json.dump(value, file, indent=2)
    fresh.replace(path)
