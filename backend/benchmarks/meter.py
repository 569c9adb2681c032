"""CPU seconds and memory of what takes part in a measurement, by role."""

import contextlib
from collections.abc import Mapping, Sequence

import psutil


class Meter:
    """Counts from its making on; ``roles`` are the roots of process trees, which may lose members meanwhile."""

    def __init__(self, roles: Mapping[str, Sequence[int]]) -> None:
        self._roles = roles
        self._before = {role: _cpu_s(roots) for role, roots in roles.items()}
        self.peak_mib = 0.0

    def look(self) -> None:
        """Note the largest process of ours; called now and then.

        Not PostgreSQL's: the memory that its processes share would be counted with each of them.
        """
        for role, roots in self._roles.items():
            for process in _tree(roots) if role != "postgres" else ():
                with contextlib.suppress(psutil.Error):
                    self.peak_mib = max(self.peak_mib, process.memory_info().rss / 2**20)

    def cpu_s(self) -> dict[str, float]:
        """Since the making, by role."""
        return {role: _cpu_s(roots) - self._before[role] for role, roots in self._roles.items()}


def _cpu_s(roots: Sequence[int]) -> float:
    total = 0.0
    for process in _tree(roots):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            # What ended already is in the account of its parent.
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _tree(roots: Sequence[int]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for pid in roots:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            found += [root, *root.children(recursive=True)]
    return found


def own_postgres() -> list[int]:
    """The servers that this process started."""
    return [child.pid for child in psutil.Process().children() if child.name().startswith("postgres")]


def own_redis() -> list[int]:
    """The same for Redis, whichever of its programs it is."""
    names = ("redis", "valkey")
    return [child.pid for child in psutil.Process().children() if child.name().startswith(names)]
