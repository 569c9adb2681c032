"""The health check of processes that serve no port: `python -m storecast.entrypoints.alive`.

Exits 0 when a process of this host is in the fleet and not lost, else 1. In a container the host is the process.
"""

import socket
import sys

from storecast.db.session import platform_session
from storecast.fleet import service as fleet
from storecast.kit.clock import utcnow


def main() -> int:
    """Look at the last heartbeats of this host."""
    with platform_session() as session:
        workers = fleet.list_workers(session, now=utcnow())
    here = socket.gethostname()
    return 0 if any(process.host == here and process.state != "lost" for process in workers.processes) else 1


if __name__ == "__main__":
    sys.exit(main())
