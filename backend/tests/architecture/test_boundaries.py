"""What import-linter cannot see: who may read whose files inside a module, and which file may know what.

Deferred imports count as well: the whole syntax tree is read.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

BACKEND = Path(__file__).parents[2]
STORECAST = BACKEND / "storecast"
PRIVATE = {"models", "repository", "routes", "tasks", "handlers"}
HANDED_OUT = {
    # The tenant itself: shops.service hands the row out, and its readers need the name of its type.
    "storecast.shops.models.Shop",
    # The console is a view of the worker's own tables, which have no service to go through.
    "storecast.worker.models.JobBatch",
    "storecast.worker.models.JobLog",
    "storecast.worker.models.JobOrphan",
    "storecast.worker.models.JobRun",
    "storecast.worker.models.OutboxJob",
    "storecast.worker.models.WorkLimit",
}
WITHOUT_HTTP = {"service", "repository", "selectables", "models", "jobs", "schemas", "errors"}
WITHOUT_SQL = {"routes", "tasks", "handlers"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}


def imported_names(path: Path) -> Iterator[str]:
    """Every name that a file imports, with the module it comes from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def product_files() -> list[Path]:
    return sorted(STORECAST.rglob("*.py"))


def module_of(path: Path) -> str:
    return path.relative_to(STORECAST).parts[0]


def is_private_to_another(name: str, module: str) -> bool:
    parts = name.split(".")
    return len(parts) > 2 and parts[0] == "storecast" and parts[2] in PRIVATE and parts[1] != module


def test_nobody_reads_the_inner_files_of_another_module() -> None:
    crossings = {
        f"{path.relative_to(STORECAST)}: {name}"
        for path in product_files()
        for name in imported_names(path)
        if is_private_to_another(name, module_of(path)) and name not in HANDED_OUT
    }
    assert crossings == set()


def test_every_exception_to_the_rule_is_used() -> None:
    used = {
        name
        for path in product_files()
        for name in imported_names(path)
        if is_private_to_another(name, module_of(path))
    }
    assert HANDED_OUT - used == set()


def test_services_know_no_http_and_no_task_queue() -> None:
    knowing = {
        f"{path.relative_to(STORECAST)}: {name}"
        for path in product_files()
        if path.stem in WITHOUT_HTTP and module_of(path) not in {"entrypoints", "edge"}
        for name in imported_names(path)
        if name.split(".")[0] in {"fastapi", "starlette", "celery"}
    }
    assert knowing == set()


def test_routes_tasks_and_handlers_write_no_sql() -> None:
    writing = {
        f"{path.relative_to(STORECAST)}: {name}"
        for path in product_files()
        if path.stem in WITHOUT_SQL
        for name in imported_names(path)
        if name.split(".")[0] in {"sqlalchemy", "psycopg", "asyncpg"} and name != "sqlalchemy.orm.Session"
    }
    assert writing == set()


def test_every_file_is_named_for_what_it_holds() -> None:
    parts = {part for path in product_files() for part in path.relative_to(STORECAST).with_suffix("").parts}
    assert parts & VAGUE_NAMES == set()


def test_every_module_says_what_it_is_for() -> None:
    silent = {
        str(path.relative_to(STORECAST))
        for path in product_files()
        if path.name != "__init__.py" and ast.get_docstring(ast.parse(path.read_text())) is None
    }
    assert silent == set()


def test_the_product_never_reaches_for_its_developer_programs() -> None:
    reaching = {
        f"{path.relative_to(STORECAST)}: {name}"
        for path in product_files()
        for name in imported_names(path)
        if name.split(".")[0] in {"simulator", "demo", "tests", "benchmarks"}
    }
    assert reaching == set()
