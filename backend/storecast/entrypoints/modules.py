"""Which modules take part: routers, job bodies and webhook handlers, found by their file names.

A module that has a ``routes``, ``tasks`` or ``handlers`` file takes part in the API, the workers or the inbox; one with
``alert_figures`` has figures that alerts may watch.
"""

import importlib
import importlib.util
import pkgutil
from types import ModuleType

from fastapi import APIRouter

import storecast


def _parts(file: str) -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(storecast.__path__) if module.ispkg)
    paths = [f"storecast.{name}.{file}" for name in names]
    return [importlib.import_module(path) for path in paths if importlib.util.find_spec(path)]


def routers() -> list[APIRouter]:
    """The API routers, by module name."""
    return [part.router for part in _parts("routes")]


def register_jobs() -> None:
    """Make every job body, webhook handler and figure for alerts known to this process."""
    _parts("tasks")
    _parts("handlers")
    _parts("alert_figures")
