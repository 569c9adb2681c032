"""Checks that need a running part: `python -m demo.checks migrations | write-migration TEXT | api-types`.

Each says what to do about what it finds, and leaves the tree as it was.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from demo.servers import EmbeddedPostgres, throw_away_folder
from demo.stack import BACKEND
from demo.state import PROJECT

GENERATED = (BACKEND / "openapi.json", PROJECT / "frontend" / "src" / "generated" / "api.d.ts")
SECRET = "a-secret-that-only-a-throw-away-database-sees"  # noqa: S105 - nothing is protected by it


class CheckFailed(Exception):
    """What is wrong and what to do about it."""


@contextmanager
def database() -> Iterator[dict[str, str]]:
    """The settings of a throw-away database."""
    with throw_away_folder() as folder, EmbeddedPostgres(folder, durable=False) as server:
        yield {
            "DATABASE_URL": server.dsn,
            "REDIS_URL": "redis://127.0.0.1:1",
            "CELERY_BROKER_URL": "redis://127.0.0.1:1",
            "STORECAST_ENVIRONMENT": "test",
            "APP_SECRET_KEY": SECRET,
            "SESSION_SECRET_KEY": SECRET[::-1],
            "SHOPIFY_API_KEY": "check",
            "SHOPIFY_API_SECRET": SECRET,
            "SHOPIFY_APP_URL": "http://127.0.0.1:1",
            "SHOPIFY_REDIRECT_URI": "http://127.0.0.1:1/auth/callback",
            "STORECAST_EDGE_URL": "http://127.0.0.1:1",
            "STORECAST_SMTP_URL": "smtp://127.0.0.1:1",
        }


def run(command: list[str], settings: dict[str, str], *, advice: str) -> None:
    done = subprocess.run(
        command, cwd=BACKEND, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CheckFailed(f"{done.stdout}{done.stderr}\ntry: {advice}")


def storecast(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "storecast.entrypoints.cli", *arguments]


def check_migrations() -> str:
    """The migrations run from nothing, and lead to what the models say."""
    with database() as settings:
        run(storecast("migrate"), settings, advice="mend the migration")
        advice = 'make migrate m="what changed"'
        run(storecast("check-migrations"), settings, advice=advice)
    return "the migrations lead to what the models say"


def write_migration(text: str) -> str:
    """What brings the newest migration's schema to what the models say."""
    with database() as settings:
        run(storecast("migrate"), settings, advice="mend the migration")
        command = [
            sys.executable,
            "-m",
            "alembic",
            "-c",
            "alembic.ini",
            "revision",
            "--autogenerate",
            "-m",
            text,
        ]
        run(command, settings, advice="read the message above")
    newest = max((BACKEND / "migrations" / "versions").glob("*.py"), key=lambda path: path.stat().st_mtime)
    return f"wrote {newest.relative_to(PROJECT)}; read it before you commit it"


def check_api_types() -> str:
    """The OpenAPI document and the frontend's types are those of the code."""
    before = {path: path.read_bytes() if path.exists() else b"" for path in GENERATED}
    try:
        run(storecast("openapi"), {}, advice="mend the API")
        run(["npm", "--prefix", "../frontend/codegen", "run", "generate"], {}, advice="make codegen")
        stale = [str(path.relative_to(PROJECT)) for path in GENERATED if path.read_bytes() != before[path]]
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    if stale:
        raise CheckFailed(f"{' and '.join(stale)} are stale\ntry: make api-types")
    return "the API types are fresh"


def main(arguments: list[str]) -> int:
    checks: dict[str, Callable[..., str]] = {
        "migrations": check_migrations,
        "write-migration": write_migration,
        "api-types": check_api_types,
    }
    try:
        print(checks[arguments[0]](*arguments[1:]))
    except CheckFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
