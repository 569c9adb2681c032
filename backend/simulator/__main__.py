"""`python -m simulator`: seeds the store, serves the platform, says `ready`, ends on SIGTERM."""

from __future__ import annotations

import argparse
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path

import uvicorn

from simulator import schema, seeds
from simulator.app import create_app
from simulator.config import DEFAULT_SHOP_DOMAIN, DEFAULT_SHOP_NAME, WEBHOOK_BACKOFF_S, SimulatorConfig
from simulator.seeds.cdnow import DataSetMissing
from simulator.seeds.folder import SeedUnreadable
from simulator.store import Store

BACKLOG = 2048


def parse(arguments: list[str]) -> SimulatorConfig:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one; `ready` names it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--state", type=Path, required=True, help="folder of the state; made when missing")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--client-secret", required=True)
    parser.add_argument("--app-url", required=True, help="what the admin's iframe opens")
    parser.add_argument("--webhook-url", required=True, help="where webhooks are posted")
    parser.add_argument("--app-toml", type=Path, help="shopify.app.toml: scopes, topics, redirect addresses")
    parser.add_argument("--pixel", type=Path, help="built web pixel bundle that the storefront loads")
    parser.add_argument("--seed", default="cdnow", help="cdnow, generated or folder:PATH")
    parser.add_argument("--customers", type=int, default=2_000, help="size of a generated store")
    parser.add_argument("--shop", default=DEFAULT_SHOP_DOMAIN)
    parser.add_argument("--shop-name", default=DEFAULT_SHOP_NAME)
    parser.add_argument("--smtp-port", type=int, help="mail catcher; 0 takes a free one")
    parser.add_argument("--smtp-socket", type=Path, help="mail catcher on a unix socket")
    parser.add_argument("--token-lifetime", type=int, default=3_600, help="seconds an access token lives")
    parser.add_argument("--webhook-backoff", default="", help="seconds between retries, with commas")
    parser.add_argument("--restore-rate", type=float, help="points a second instead of the plan's")
    given = parser.parse_args(arguments)
    backoff = tuple(float(part) for part in given.webhook_backoff.split(",") if part)
    if given.seed not in ("cdnow", "generated"):
        try:
            seeds.folder_path(given.seed)
        except ValueError as problem:
            parser.error(str(problem))
    return SimulatorConfig(
        port=given.port, host=given.host, state_dir=given.state, client_id=given.client_id,
        client_secret=given.client_secret, app_url=given.app_url.rstrip("/"), webhook_url=given.webhook_url,
        app_toml=given.app_toml, pixel_bundle=given.pixel, seed=given.seed, customers=given.customers,
        shop_domain=given.shop, shop_name=given.shop_name, smtp_port=given.smtp_port, smtp_socket=given.smtp_socket,
        access_token_lifetime_s=given.token_lifetime, throttle_restore_rate=given.restore_rate,
        webhook_backoff_s=backoff or WEBHOOK_BACKOFF_S,
    )  # fmt: skip


class _Server(uvicorn.Server):
    """Says `ready` once the application's start is through and the port answers."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"ready {self._address}\n")
            sys.stdout.flush()
            # In the background: the first query waits for what is left of half a second, the start does not.
            threading.Thread(target=_warm_up, daemon=True).start()


def _warm_up() -> None:
    try:
        schema.load()
    except schema.SchemaMissing as problem:
        sys.stderr.write(f"{problem}\n")


def main(arguments: list[str]) -> int:
    config = parse(arguments)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
    except OSError as problem:
        sys.stderr.write(f"cannot listen on {config.host}:{config.port}: {problem.strerror}\n")
        return 1
    listener.listen(BACKLOG)
    # The port is known before anything is written down that names it.
    config = replace(config, port=listener.getsockname()[1])
    try:
        store = Store(config.database_path)
        seeds.seed(config, store)
        app = create_app(config, store)
    except (seeds.SeedMismatch, DataSetMissing, SeedUnreadable, ValueError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    server = _Server(
        uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=3),
        config.base_url,
    )
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
