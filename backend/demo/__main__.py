"""`python -m demo up | run | reset`: the local stack from the command line."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo import stack
from demo.console import DemoConsole
from demo.servers import ServerFailed
from demo.state import DEFAULT_FOLDER, reset
from demo.supervisor import POLL_S, Stopped, Supervisor, stop_on_signals

EXIT_FAILED = 1
EXIT_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    console = DemoConsole(quiet=options.quiet)
    try:
        return int(options.act(options, console))
    except ServerFailed as failure:
        console.fail(str(failure))
    except OSError as error:
        console.fail(f"the machine refused: {error}\ntry: another folder by --state, or free what is full")
    return EXIT_FAILED


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    actions = parser.add_subparsers(required=True)
    up = actions.add_parser("up", help="start everything and stay until Ctrl-C")
    up.add_argument("--json", action="store_true", help="print the addresses as one JSON line when ready")
    up.set_defaults(act=act_up)
    run = actions.add_parser("run", help="run a command against a demo, then stop the demo")
    run.add_argument("command", nargs="+", metavar="-- COMMAND")
    run.set_defaults(act=act_run)
    clear = actions.add_parser("reset", help="delete everything that the demo kept")
    clear.set_defaults(act=act_reset)
    for action in (up, run, clear):
        action.add_argument("--state", type=Path, metavar="DIR", help="the folder that keeps everything")
        action.add_argument("--quiet", action="store_true", help="no progress")
    return parser.parse_args(arguments)


def act_up(options: argparse.Namespace, console: DemoConsole) -> int:
    folder = options.state or DEFAULT_FOLDER
    begun = time.monotonic()
    with stop_on_signals():
        try:
            with Supervisor(folder, console) as supervisor:
                addresses = stack.public_addresses(supervisor.state)
                if options.json:
                    print(json.dumps(addresses), flush=True)
                lines = [
                    f"simulated Shopify admin, started in {time.monotonic() - begun:.1f} s",
                    f"mail catcher  {addresses['STORECAST_DEMO_URL']}/inbox",
                    f"logs          {addresses['STORECAST_DEMO_LOGS']}",
                    "Ctrl-C stops everything and keeps the data; `make demo-reset` deletes it.",
                ]
                console.ready(addresses["STORECAST_DEMO_URL"], lines)
                supervisor.watch()
        except Stopped as stopped:
            console.say(f"stopped by {stopped}")
    return 0


def act_run(options: argparse.Namespace, console: DemoConsole) -> int:
    """Without --state the demo lives in a new folder, which is kept only when something failed."""
    private = options.state is None
    folder = options.state or Path(tempfile.mkdtemp(prefix="storecast-run-"))
    folder.chmod(0o711)
    status = EXIT_FAILED
    try:
        with stop_on_signals(), Supervisor(folder, console) as supervisor:
            status = run_beside(supervisor, options.command)
            for name, times in supervisor.crashes().items():
                console.fail(f"{name} crashed {times}×\nlog: {supervisor.state.log(name)}")
                status = status or EXIT_FAILED
    except Stopped as stopped:
        console.say(f"stopped by {stopped}")
    finally:
        if private and status == 0:
            shutil.rmtree(folder, ignore_errors=True)
        elif private:
            console.warn(f"logs and data are kept in {folder}")
    return status


def run_beside(supervisor: Supervisor, command: list[str]) -> int:
    """Run a command in the caller's folder with the demo's settings, and tend the demo meanwhile."""
    environment = supervisor.environment | stack.public_addresses(supervisor.state)
    environment.pop(stack.STATE_MARK, None)
    program = subprocess.Popen(command, env=os.environ | environment)
    try:
        while (status := program.poll()) is None:
            supervisor.tend()
            time.sleep(POLL_S)
        return status
    finally:
        if program.poll() is None:
            program.terminate()
            program.wait()


def act_reset(options: argparse.Namespace, console: DemoConsole) -> int:
    folder = (options.state or DEFAULT_FOLDER).resolve()
    console.say(f"deleted {folder}" if reset(folder) else "there is nothing to reset")
    if os.environ.get("DATABASE_URL"):
        console.warn("DATABASE_URL names a database of your own, which stays as it is")
    return 0


if __name__ == "__main__":
    sys.exit(main())
