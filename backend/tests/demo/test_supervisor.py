"""The supervisor starts, tends and stops a stack; small stand-ins play the product."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import psycopg
import pytest

from demo import servers
from demo.child import Child, answers, logs
from demo.console import DemoConsole
from demo.servers import Addresses, AlreadyRunning, ServerFailed
from demo.stack import STATE_MARK, Stack, base_environment
from demo.state import DemoState, is_free, reset
from demo.supervisor import ADDRESSES_FILE, Supervisor
from tests.demo.test_servers import BACKEND, wait_until

WEB = "import http.server,sys; http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), \
http.server.SimpleHTTPRequestHandler).serve_forever()"
CHATTY = "import signal; print('worker is ready.', flush=True); signal.pause()"
FORKING = (
    "import subprocess,sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); \
print('worker is ready.', flush=True); p.wait()"
)
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready.', flush=True)\n\
while True: signal.pause()"
BROKEN = "raise SystemExit('cannot open the shop')"


def small_stack(*programs: str, migration: str = "pass") -> Callable[..., Stack]:
    """A web server as the world, and `programs` as the app."""

    def layout(state: DemoState, stores: Addresses, environ: Mapping[str, str]) -> Stack:
        environment = base_environment(state, environ) | stores.environment()
        web = [sys.executable, "-c", WEB, str(state.ports["simulator"])]
        home = answers(f"{state.url('simulator')}/")
        world = Child("simulator", web, environment, state.folder, state.log("simulator"), home)
        app = []
        for number, program in enumerate(programs):
            name, command = f"app-{number}", [sys.executable, "-c", program]
            app.append(Child(name, command, environment, state.folder, state.log(name), logs(r"ready\.")))
        return Stack(environment, [sys.executable, "-c", migration], [world], app)

    return layout


@pytest.fixture
def folder() -> Iterator[Path]:
    with servers.throw_away_folder() as made:
        yield made


@pytest.fixture
def console() -> DemoConsole:
    return DemoConsole(quiet=True)


def processes_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(STATE_MARK) == str(folder.resolve()) and process.status() != "zombie":
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_up_serves_and_down_leaves_nothing(folder: Path, console: DemoConsole) -> None:
    with Supervisor(folder, console, {}, small_stack(CHATTY, FORKING)) as supervisor:
        published = json.loads((folder / ADDRESSES_FILE).read_text())
        assert published["STORECAST_DEMO_URL"] == supervisor.state.url("simulator")
        assert len(processes_of(folder)) == 4
        database_url = supervisor.environment["DATABASE_URL"]
        with psycopg.connect(database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    assert processes_of(folder) == []
    assert not (folder / ADDRESSES_FILE).exists()
    assert is_free(supervisor.state.ports["simulator"])


def test_a_second_start_keeps_ports_secrets_and_data(folder: Path, console: DemoConsole) -> None:
    with (
        Supervisor(folder, console, {}, small_stack()) as first,
        psycopg.connect(first.environment["DATABASE_URL"]) as connection,
    ):
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with Supervisor(folder, console, {}, small_stack()) as second:
        assert (second.state.ports, second.state.secrets) == (first.state.ports, first.state.secrets)
        with psycopg.connect(second.environment["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_taken_port_moves_and_the_others_stay(folder: Path) -> None:
    first = DemoState.open(folder)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", first.ports["api"]))
        squatter.listen()
        second = DemoState.open(folder)
    assert second.moved == ("api",)
    assert {n for n in first.ports if first.ports[n] != second.ports[n]} == {"api"}


def test_secrets_are_for_their_owner_alone(folder: Path) -> None:
    state = DemoState.open(folder)
    assert (folder / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert len(set(state.secrets.values())) == len(state.secrets)


def test_a_crashed_process_is_started_again(folder: Path, console: DemoConsole) -> None:
    with Supervisor(folder, console, {}, small_stack(FORKING)) as supervisor:
        before = next(filter(is_forking, processes_of(folder)))
        grandchildren = before.children()
        before.kill()
        wait_until(lambda: bool(tended(supervisor).crashes()))
        assert supervisor.crashes() == {"app-0": 1}
        assert len(grandchildren) == 1
        wait_until(lambda: not grandchildren[0].is_running() or grandchildren[0].status() == "zombie")
        wait_until(lambda: bool(tended(supervisor)) and any(map(is_forking, processes_of(folder))))


def tended(supervisor: Supervisor) -> Supervisor:
    supervisor.tend()
    return supervisor


def is_forking(process: psutil.Process) -> bool:
    return process.cmdline()[-1:] == [FORKING]


def test_a_crashed_database_is_started_again(folder: Path, console: DemoConsole) -> None:
    with Supervisor(folder, console, {}, small_stack()) as supervisor:
        for process in servers.processes_in(folder.resolve() / "postgres"):
            process.kill()

        def serves() -> bool:
            supervisor.tend()
            try:
                with psycopg.connect(supervisor.environment["DATABASE_URL"]):
                    return True
            except psycopg.OperationalError:
                return False

        wait_until(serves)


def test_a_process_that_fails_to_start_is_named_with_its_log(folder: Path, console: DemoConsole) -> None:
    with pytest.raises(ServerFailed) as failure:
        Supervisor(folder, console, {}, small_stack(CHATTY, BROKEN)).__enter__()
    assert "app-1: stopped while starting (exit status 1)" in str(failure.value)
    assert str(folder / "logs" / "app-1.log") in str(failure.value)
    assert "cannot open the shop" in str(failure.value)
    assert processes_of(folder) == []
    assert list(servers.processes_in(folder / "postgres")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "postgresql+psycopg://127.0.0.1:1/none"), ("REDIS_URL", "redis://127.0.0.1:1/0")],
)
def test_an_address_that_leads_nowhere_is_named_at_once(
    folder: Path, console: DemoConsole, name: str, value: str
) -> None:
    with pytest.raises(ServerFailed, match=rf"^{name}: .*") as failure:
        Supervisor(folder, console, {name: value}, small_stack()).__enter__()
    assert f"unset {name}" in str(failure.value)
    assert list(servers.processes_in(folder / "postgres")) == []


def test_a_failing_migration_stops_the_start(folder: Path, console: DemoConsole) -> None:
    with pytest.raises(ServerFailed, match="migrations: failed"):
        Supervisor(folder, console, {}, small_stack(CHATTY, migration=BROKEN)).__enter__()
    assert processes_of(folder) == []


def test_a_process_that_ignores_the_stop_is_killed(
    folder: Path, console: DemoConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.child.STOP_DEADLINE_S", 0.5)
    with Supervisor(folder, console, {}, small_stack(STUBBORN)):
        assert len(processes_of(folder)) == 2
    assert processes_of(folder) == []


def test_two_demos_in_one_folder_are_refused(folder: Path, console: DemoConsole) -> None:
    with Supervisor(folder, console, {}, small_stack()):
        with pytest.raises(AlreadyRunning):
            Supervisor(folder, console, {}, small_stack()).__enter__()
        with pytest.raises(AlreadyRunning):
            reset(folder)
        assert len(processes_of(folder)) == 1


def test_reset_deletes_everything(folder: Path, console: DemoConsole) -> None:
    with Supervisor(folder, console, {}, small_stack()):
        pass
    assert reset(folder)
    assert not folder.exists()
    assert not reset(folder)


PROGRAM = """
import sys
from pathlib import Path
from demo.console import DemoConsole
from demo.supervisor import Stopped, Supervisor, stop_on_signals
from tests.demo.test_supervisor import CHATTY, FORKING, small_stack
with stop_on_signals():
    try:
        with Supervisor(Path(sys.argv[1]), DemoConsole(quiet=True), {}, small_stack(CHATTY, FORKING)) as demo:
            print("up", flush=True)
            demo.watch()
    except Stopped as stopped:
        print(stopped)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(folder: Path, number: signal.Signals) -> None:
    with start_program(folder) as program:
        program.send_signal(number)
        output, _ = program.communicate(timeout=30)
    assert (program.returncode, output) == (0, f"{number.name}\n")
    assert processes_of(folder) == []
    assert list(servers.processes_in(folder / "postgres")) == []


def test_a_killed_supervisor_leaves_nothing_that_the_next_one_minds(
    folder: Path, console: DemoConsole
) -> None:
    with start_program(folder) as program:
        before = processes_of(folder)
        program.kill()
    with Supervisor(folder, console, {}, small_stack(CHATTY)):
        assert [process for process in before if process.is_running() and process.status() != "zombie"] == []
        assert len(processes_of(folder)) == 2


def start_program(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    program = subprocess.Popen(command, cwd=BACKEND, stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "up\n"
    return program


def test_the_shell_of_another_deployment_does_not_leak_in(folder: Path) -> None:
    shell = {"PATH": os.environ["PATH"], "SHOPIFY_API_SECRET_OLD": "x", "STORECAST_ENVIRONMENT": "production"}
    kept = base_environment(DemoState.open(folder), shell)
    assert {name for name in kept if name in shell} == {"PATH"}
