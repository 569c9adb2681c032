"""Every table of Storecast: importing this module registers all models."""

import importlib
import importlib.util
import pkgutil

import storecast
from storecast.db.base import Base


def load_models() -> type[Base]:
    """Import each module's ``models`` and return the base that knows them all."""
    for module in pkgutil.iter_modules(storecast.__path__):
        if module.ispkg and importlib.util.find_spec(f"storecast.{module.name}.models"):
            importlib.import_module(f"storecast.{module.name}.models")
    return Base


metadata = load_models().metadata
