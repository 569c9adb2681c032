"""The mail catcher alone: `python -m simulator.mail --port P --state DIR [--socket PATH]`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from simulator.mail.server import MailCatcher


async def _serve(host: str, port: int | None, socket: Path | None, state: Path) -> None:
    catcher = MailCatcher(state)
    await catcher.start(host=host, port=port, unix_path=socket)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    sys.stdout.write(f"mail catcher listening: port={catcher.port} socket={socket} state={state}\n")
    sys.stdout.flush()
    await stop.wait()
    await catcher.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="simulator.mail", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="TCP port; 0 takes a free one")
    parser.add_argument("--socket", type=Path, help="path of a unix socket")
    parser.add_argument("--state", type=Path, required=True, help="folder of mail.sqlite3")
    options = parser.parse_args()
    if options.port is None and options.socket is None:
        parser.error("give --port, --socket or both")
    asyncio.run(_serve(options.host, options.port, options.socket, options.state))


if __name__ == "__main__":
    main()
