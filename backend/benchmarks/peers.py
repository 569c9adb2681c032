"""Environments of their own for what the benchmarks measure against: `make install` stays free of them."""

import hashlib
import subprocess
import sys
from pathlib import Path

from demo import install

PEERS = install.BACKEND / ".cache" / "peers"


def python_of(lock: Path) -> Path:
    """The interpreter of an environment that holds what the lock names; made when it is missing."""
    folder = PEERS / f"{lock.stem}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        log = install.LOGS / f"{lock.stem}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        install.run(log, [sys.executable, "-m", "venv", "--clear", folder])
        try:
            install.run_uv(log, "pip", "sync", "--require-hashes", "--python", str(python), str(lock))
        except (subprocess.CalledProcessError, OSError):
            packages = ["--no-deps", "--require-hashes", "-r", str(lock)]
            install.run(log, [python, "-m", "pip", "install", *packages])
        (folder / "complete").touch()
    return python
