"""Brings a fresh clone to the point where everything runs; run by the system's Python: `python3 install.py`.

Invariants: what is installed is exactly what the locks name, by hash; what is up to date is left alone (a stamp
holds the hash of what it was made from); a failing step says what failed, where its log is and what to try.
Imports nothing outside the standard library: nothing is installed yet.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
BACKEND = PROJECT / "backend"
FRONTEND = PROJECT / "frontend"
PIXEL = PROJECT / "extensions" / "web-pixel"
VENV = BACKEND / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
TOOLS = PROJECT / ".tools"
LOGS = TOOLS / "logs"
STAMPS = TOOLS / "stamps"
LOCKS = (BACKEND / "requirements-dev.lock", BACKEND / "requirements-data.lock")
UV = "uv==0.13.9"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20
LOG_TAIL_LINES = 20


class StepFailed(Exception):
    """A step that did not work, in words for the person who ran it."""


@dataclass(frozen=True)
class Step:
    """One thing to bring up to date: what it is made from, where its stamp lies and how it is made."""

    name: str
    made_from: Callable[[], Iterable[Path]]
    stamp: Path
    make: Callable[[Path], None]
    advice: str
    products: tuple[Path, ...] = ()

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name.replace(' ', '-')}.log"

    def fresh(self, digest: str) -> bool:
        made = self.stamp.exists() and all(product.exists() for product in self.products)
        return made and self.stamp.read_text() == digest

    def bring(self) -> str:
        """Bring it up to date; returns the line that tells."""
        digest = digest_of(self.made_from())
        if self.fresh(digest):
            return f"· {self.name} is up to date"
        begun = time.monotonic()
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        self.stamp.unlink(missing_ok=True)
        try:
            self.make(self.log)
        except (subprocess.CalledProcessError, OSError) as error:
            raise StepFailed(self.explain(error)) from error
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text(digest)
        return f"✓ {self.name}  {time.monotonic() - begun:.1f} s"

    def explain(self, error: Exception) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        end = [f"  | {line}" for line in lines[-LOG_TAIL_LINES:]]
        return "\n".join([f"✗ {self.name}: {error}", f"log: {self.log}", *end, f"try: {self.advice}"])


def digest_of(paths: Iterable[Path]) -> str:
    """One hash of names and contents, and of the interpreter, which compiled packages depend on."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(paths):
        digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def files_under(*roots: Path) -> list[Path]:
    found: list[Path] = []
    for root in roots:
        found += [root] if root.is_file() else [path for path in root.rglob("*") if path.is_file()]
    return found


def run(
    log: Path, command: list[str | Path], *, folder: Path = PROJECT, settings: dict[str, str] | None = None
) -> None:
    with log.open("ab") as file:
        file.write(f"$ {' '.join(map(str, command))}\n".encode())
        file.flush()
        subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"NO_COLOR": "1"} | (settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=True,
        )


def install_python_packages(log: Path) -> None:
    """With uv, which takes seconds; with pip where uv cannot be had, which takes a minute and does the same."""
    if not VENV_PYTHON.exists():
        run(log, [sys.executable, "-m", "venv", "--clear", VENV])
    try:
        sync_with_uv(log)
    except (subprocess.CalledProcessError, OSError):
        with log.open("a") as file:
            file.write("uv did not work here; using pip\n")
        sync_with_pip(log)


def sync_with_uv(log: Path) -> None:
    run_uv(log, "pip", "sync", "--require-hashes", *map(str, LOCKS))


def run_uv(log: Path, *arguments: str) -> None:
    """uv from an environment of its own, because a sync removes what is not in the lock."""
    tool = TOOLS / "uv"
    if not (tool / "bin" / "uv").exists():
        run(log, [sys.executable, "-m", "venv", "--clear", tool])
    run(log, [tool / "bin" / "python", "-m", "pip", "install", "--quiet", UV])
    settings = {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1", "VIRTUAL_ENV": str(VENV)}
    # uv does not read pip's configuration; a machine that is told to use a mirror is told so there.
    for name, option in (("UV_DEFAULT_INDEX", "global.index-url"), ("UV_FIND_LINKS", "global.find-links")):
        if name not in os.environ and (value := pip_setting(option)):
            settings[name] = value
    run(log, [tool / "bin" / "uv", *arguments], folder=BACKEND, settings=settings)


def resolve_locks(log: Path) -> None:
    """Both locks anew; for every system and Python, with hashes, and without the host they came from."""
    options = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--upgrade")
    for extra, lock in (((), "requirements.lock"), (("--extra", "dev"), "requirements-dev.lock")):
        run_uv(log, "pip", "compile", "pyproject.toml", *options, *extra, "-o", lock)


def pip_setting(option: str) -> str:
    """What the environment (PIP_INDEX_URL) or pip.conf says."""
    named = os.environ.get("PIP_" + option.rpartition(".")[2].replace("-", "_").upper())
    if named:
        return named
    command = [sys.executable, "-m", "pip", "config", "get", option]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else ""


def sync_with_pip(log: Path) -> None:
    """Into a fresh environment, because pip does not remove what a lock no longer names."""
    run(log, [sys.executable, "-m", "venv", "--clear", VENV])
    locks = [part for lock in LOCKS for part in ("-r", str(lock))]
    run(log, [VENV_PYTHON, "-m", "pip", "install", "--no-deps", "--require-hashes", *locks])


def npm_step(name: str, folder: Path) -> Step:
    return Step(
        name=name,
        made_from=lambda: [folder / "package-lock.json", folder / "package.json"],
        stamp=folder / "node_modules" / ".storecast-stamp",
        make=lambda log: run(log, ["npm", "ci", "--no-fund", "--no-audit"], folder=folder),
        advice=f"see that npm reaches its registry, then `cd {folder.relative_to(PROJECT)} && npm ci`",
    )


def build_step(name: str, folder: Path, sources: tuple[str, ...], product: str) -> Step:
    return Step(
        name=name,
        made_from=lambda: files_under(*(folder / source for source in sources if (folder / source).exists())),
        stamp=STAMPS / name.replace(" ", "-"),
        make=lambda log: run(log, ["npm", "run", "build"], folder=folder),
        advice=f"`cd {folder.relative_to(PROJECT)} && npm run build`",
        products=(folder / "dist" / product,),
    )


FETCHED: tuple[Step, ...] = (
    Step(
        name="Python packages",
        made_from=lambda: LOCKS,
        stamp=VENV / ".storecast-stamp",
        make=install_python_packages,
        advice="see that pip reaches its index: `python3 -m pip download --no-deps rich`",
        products=(VENV_PYTHON,),
    ),
    npm_step("frontend packages", FRONTEND),
    npm_step("web pixel packages", PIXEL),
)
BUILT: tuple[Step, ...] = (
    Step(
        name="Shopify schema",
        made_from=lambda: [BACKEND / "simulator" / "schema.py"],
        stamp=STAMPS / "shopify-schema",
        make=lambda log: run(log, [VENV_PYTHON, "-m", "simulator.schema", "fetch"], folder=BACKEND),
        advice="see that npm reaches its registry",
    ),
    build_step(
        "frontend build",
        FRONTEND,
        ("src", "public", "scripts", "index.html", "vite.config.ts", "tsconfig.json", "package-lock.json"),
        "index.html",
    ),
    build_step("web pixel build", PIXEL, ("src", "build.mjs", "package-lock.json"), "web-pixel.js"),
)
CODEGEN = npm_step("API types generator", FRONTEND / "codegen")


def require_versions() -> None:
    """Refuse early and clearly what would fail late and strangely."""
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        raise StepFailed(
            f"✗ Python 3.11 or newer is needed, this is {found}\ntry: `make … PYTHON=python3.12`"
        )
    if not sys.platform.startswith(("linux", "darwin")):
        raise StepFailed("✗ Linux or macOS is needed\ntry: WSL on Windows")
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise StepFailed("✗ Node 20 or newer with npm is needed\ntry: https://nodejs.org")
    version = subprocess.check_output([node, "--version"], text=True).strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise StepFailed(f"✗ Node 20 or newer is needed, this is {version}\ntry: https://nodejs.org")
    try:
        import ensurepip  # noqa: F401 - Debian splits it off
    except ImportError:
        raise StepFailed("✗ this Python cannot make environments\ntry: apt install python3-venv") from None


def bring_all(steps: Iterable[Step]) -> None:
    """Side by side; every failure is told, not only the first."""
    failures = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in concurrent.futures.as_completed([pool.submit(step.bring) for step in steps]):
            try:
                print(done.result(), flush=True)
            except StepFailed as failure:
                failures.append(str(failure))
    if failures:
        raise StepFailed("\n".join(failures))


def relock() -> None:
    log = LOGS / "lock.log"
    log.unlink(missing_ok=True)
    try:
        resolve_locks(log)
    except (subprocess.CalledProcessError, OSError) as error:
        raise StepFailed(f"✗ the locks: {error}\n{log.read_text()}") from error
    print("✓ both locks are resolved; `make install` follows them")


def main(arguments: list[str]) -> int:
    try:
        require_versions()
        bring_all(FETCHED)
        bring_all(BUILT)
        if "--codegen" in arguments:
            bring_all([CODEGEN])
        if "--lock" in arguments:
            relock()
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
