"""Business transactions end in one place (docs/adr/0005)."""

import ast
from pathlib import Path

STORECAST = Path(__file__).parents[2] / "storecast"
MAY_COMMIT = {"db/session.py"}


def callers_of(method: str) -> set[str]:
    """Files of the product that call a method of this name."""
    return {
        str(path.relative_to(STORECAST))
        for path in STORECAST.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    }


def test_only_units_of_work_commit() -> None:
    assert callers_of("commit") == MAY_COMMIT
