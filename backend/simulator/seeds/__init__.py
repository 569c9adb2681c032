"""Fills an empty shop: the CDNOW purchase history, a generated one, or a folder of JSONL files."""

from __future__ import annotations

from pathlib import Path

from simulator.config import SimulatorConfig
from simulator.seeds import cdnow, folder, generated, shelves
from simulator.state.records import Shop
from simulator.store import Store

SEEDED_AS = "seed"


class SeedMismatch(Exception):
    """The state folder holds another seed than the one asked for."""


def seed(config: SimulatorConfig, store: Store) -> Shop:
    """The demo shop, seeded now or found as an earlier run left it."""
    wanted = signature(config)
    held = store.meta(SEEDED_AS)
    if held is not None:
        if held != wanted:
            raise SeedMismatch(
                f"{config.state_dir} holds a store seeded as '{held}', not '{wanted}': "
                "choose another --state folder or delete this one"
            )
        shop = store.shops.find(config.shop_domain)
        if shop is None:
            raise SeedMismatch(f"{config.state_dir} holds no shop {config.shop_domain}")
        return shop
    connection = store.database.connection()
    # Nothing is worth saving from a seed that a crash cut short: it is begun again from an empty file.
    connection.execute("pragma synchronous = off")
    with store.database.write():
        shop = fill(config, store, config.shop_domain, config.shop_name)
        store.set_meta(SEEDED_AS, wanted)
    store.build_indexes()
    connection.execute("pragma synchronous = normal")
    store.products.forget()
    return shop


def fill(config: SimulatorConfig, store: Store, domain: str, name: str) -> Shop:
    """One new shop with the configured history."""
    shop = store.shops.create(domain, name)
    if config.seed == "cdnow":
        cdnow.fill(store, shop)
    elif config.seed == "generated":
        generated.fill(store, shop, config.customers)
    else:
        folder.fill(store, shop, folder_path(config.seed))
    shelves.fill(store, shop)
    return shop


def signature(config: SimulatorConfig) -> str:
    return f"generated:{config.customers}" if config.seed == "generated" else config.seed


def folder_path(seed_name: str) -> Path:
    """The path of `folder:PATH`; ValueError when the seed has no known form."""
    kind, _, path = seed_name.partition(":")
    if kind != "folder" or not path:
        raise ValueError(f"unknown seed {seed_name!r}: use cdnow, generated or folder:PATH")
    return Path(path)
