"""Puts the simulated platform together as one ASGI application.

Everything lives on one port: Admin API and OAuth under `/{shop domain}/admin`, bulk results under `/bulk`, fault
switches under `/control`, and the pages a person clicks through (`simulator.pages`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from simulator import app_manifest, control, oauth
from simulator.admin_api import routes as admin_api
from simulator.admin_api.api import AdminApi
from simulator.app_manifest import AppManifest
from simulator.bulk import results, uploads
from simulator.bulk.runner import BulkRunner
from simulator.config import SimulatorConfig
from simulator.mail.server import MailCatcher
from simulator.pages import routes as pages
from simulator.store import Store
from simulator.webhooks import Webhooks
from simulator.world import World


def create_world(config: SimulatorConfig, store: Store) -> World:
    manifest = AppManifest.load(config.app_toml) if config.app_toml else app_manifest.EMPTY
    return World(config, store, manifest, Webhooks(config, store, manifest))


def create_app(config: SimulatorConfig, store: Store | None = None) -> Starlette:
    """The application over an already seeded store; `config.state_dir` when none is given."""
    store = store or Store(config.database_path)
    world = create_world(config, store)
    runner = BulkRunner(config, store, world.webhooks)
    mail = MailCatcher(config.state_dir)
    api = AdminApi(config, store, world, runner)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            store.bulk.fail_interrupted()
            await stack.enter_async_context(world.webhooks.running())
            stack.callback(runner.close)
            if config.smtp_port is not None or config.smtp_socket is not None:
                await mail.start(host=config.smtp_host, port=config.smtp_port, unix_path=config.smtp_socket)
                stack.push_async_callback(mail.stop)
            yield

    routes: list[BaseRoute] = [
        *admin_api.routes(store, api),
        *oauth.routes(config, store, world),
        *results.routes(config),
        *uploads.routes(config),
        *control.routes(config, store, world),
        *pages.routes(config, store, world, mail),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.state.world = world
    return app
