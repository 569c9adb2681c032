"""Which processes make up a demo, in which order, and what each is told.

Knows the product and the simulator by their command lines and environment names only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.child import Child, Probe, answers, beats, logs
from demo.servers import Addresses, ServerFailed
from demo.state import PROJECT, DemoState

BACKEND = PROJECT / "backend"
FRONTEND_DIST = PROJECT / "frontend" / "dist"
PIXEL_BUNDLE = PROJECT / "extensions" / "web-pixel" / "dist" / "web-pixel.js"
APP_TOML = PROJECT / "shopify.app.toml"
SHOP_DOMAIN = "cdnow.myshopify.com"
APP_HANDLE = "storecast"
API_KEY = "storecast-demo-key"
STATE_MARK = "STORECAST_DEMO_STATE"
"""In the environment of every process of a demo, so that the next start finds what a killed one left."""
QUEUE_GROUPS = {
    "critical": ("critical,default", 2),
    "bulk": ("bulk", 2),
    "sync": ("sync", 1),
    "ai": ("ai", 1),
}
"""Worker processes of the demo: name → queues, slots. Small enough for two cores."""
SEED_DEADLINE_S = 600.0
"""Seeding a store of some hundred thousand customers takes minutes; everything else is up in seconds."""
FOREIGN_PREFIXES = ("SHOPIFY_", "STORECAST_", "CELERY_", "PYTHON")
"""What the caller's shell says about another deployment must not leak into the demo."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The processes of one demo: `world` plays Shopify, `app` is the product."""

    environment: dict[str, str]
    migrate: list[str]
    world: list[Child]
    app: list[Child]

    @property
    def children(self) -> list[Child]:
        return [*self.world, *self.app]


def build(state: DemoState, stores: Addresses, environ: Mapping[str, str] = os.environ) -> Stack:
    """Lay out a demo from its state, its stores and what the caller's environment asks for."""
    for path in (FRONTEND_DIST / "index.html", PIXEL_BUNDLE):
        if not path.exists():
            raise ServerFailed("demo", f"{path} is missing", advice="`make install` builds it")
    environment = app_environment(state, stores, environ)

    def app(name: str, command: list[str], ready: Probe) -> Child:
        mine = environment | {"STORECAST_PROCESS_NAME": name}
        return Child(name, [sys.executable, "-m", *command], mine, BACKEND, state.log(name), ready)

    simulator = Child(
        "simulator",
        simulator_command(state, environ),
        base_environment(state, environ),
        BACKEND,
        state.log("simulator"),
        answers(f"{state.url('simulator')}/"),
        advice="`make demo-reset` makes way for another store; DEMO_STORE must name a folder of JSONL files",
        start_deadline_s=SEED_DEADLINE_S,
    )
    celery = ["celery", "-A", "storecast.entrypoints.worker"]
    return Stack(
        environment=environment,
        migrate=[sys.executable, "-m", "storecast.entrypoints.cli", "migrate"],
        world=[simulator],
        app=[
            app("api", uvicorn("api", state.ports["api"]), answers(f"{state.url('api')}/readyz")),
            app(
                "edge",
                [*uvicorn("edge", state.ports["edge"]), "--loop", "uvloop", "--http", "httptools"],
                answers(f"{state.url('edge')}/healthz"),
            ),
            app("relay", ["storecast.entrypoints.relay"], beats(stores.database_url)),
            *(
                app(
                    f"worker-{name}",
                    [*celery, "worker", "-Q", queues, "-c", str(slots), "-n", f"{name}@%h", "-l", "INFO"],
                    logs(r" ready\."),
                )
                for name, (queues, slots) in QUEUE_GROUPS.items()
            ),
            app(
                "beat",
                [*celery, "beat", "-S", "storecast.jobs.beat:LockedScheduler", "-l", "INFO"],
                beats(stores.database_url),
            ),
        ],
    )


def uvicorn(entrypoint: str, port: int) -> list[str]:
    return [
        *("uvicorn", f"storecast.entrypoints.{entrypoint}:app", "--host", "127.0.0.1", "--port", str(port)),
        *("--no-server-header", "--no-access-log", "--timeout-graceful-shutdown", "3"),
    ]


def simulator_command(state: DemoState, environ: Mapping[str, str]) -> list[str]:
    """The simulated Shopify: whichever store the caller wants, CDNOW's when nothing is said."""
    command = [
        *(sys.executable, "-m", "simulator"),
        *("--port", str(state.ports["simulator"]), "--smtp-port", str(state.ports["smtp"])),
        *("--state", str(state.folder / "simulator")),
        *("--client-id", API_KEY, "--client-secret", state.secrets["SHOPIFY_API_SECRET"]),
        *("--app-url", state.url("api"), "--webhook-url", f"{state.url('edge')}/webhooks"),
        *("--app-toml", str(APP_TOML), "--pixel", str(PIXEL_BUNDLE)),
    ]
    if store := environ.get("DEMO_STORE"):
        command += ["--seed", f"folder:{Path(store).resolve()}"]
    elif customers := environ.get("DEMO_CUSTOMERS"):
        command += ["--seed", "generated", "--customers", customers]
    return command


def base_environment(state: DemoState, environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without anything that means another deployment."""
    kept = {name: value for name, value in environ.items() if not name.startswith(FOREIGN_PREFIXES)}
    # A log that a probe reads must not wait in a buffer.
    return kept | {STATE_MARK: str(state.folder), "PYTHONUNBUFFERED": "1"}


def app_environment(state: DemoState, stores: Addresses, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of Storecast that make the simulator its Shopify."""
    simulator, api = state.url("simulator"), state.url("api")
    return (
        base_environment(state, environ)
        | stores.environment()
        | state.secrets
        | {
            "STORECAST_ENVIRONMENT": "development",
            "SHOPIFY_API_KEY": API_KEY,
            "SHOPIFY_APP_URL": api,
            "SHOPIFY_REDIRECT_URI": f"{api}/auth/callback",
            "SHOPIFY_SHOP_ORIGIN": f"{simulator}/{{shop}}",
            "SHOPIFY_APP_BRIDGE_URL": f"{simulator}/shopifycloud/app-bridge.js",
            "SHOPIFY_ADMIN_FRAME_ORIGINS": simulator,
            "STORECAST_EDGE_URL": state.url("edge"),
            "STORECAST_SMTP_URL": f"smtp://127.0.0.1:{state.ports['smtp']}",
            "STORECAST_FRONTEND_DIST": str(FRONTEND_DIST),
            # Celery then hands running batches back instead of waiting for them when it is told to stop.
            "REMAP_SIGTERM": "SIGQUIT",
        }
    )


def public_addresses(state: DemoState) -> dict[str, str]:
    """What a person, a test or a script needs to use the demo; also the environment of `demo run`."""
    return {
        "STORECAST_DEMO_URL": state.url("simulator"),
        "STORECAST_DEMO_API_URL": state.url("api"),
        "STORECAST_DEMO_EDGE_URL": state.url("edge"),
        "STORECAST_DEMO_SHOP": SHOP_DOMAIN,
        "STORECAST_DEMO_APP_HANDLE": APP_HANDLE,
        "STORECAST_DEMO_LOGS": str(state.folder / "logs"),
        "STORECAST_DEMO_STORE_FILE": str(state.folder / "simulator" / "simulator.sqlite3"),
    }
