"""Every document says something, what it names exists (files, links, settings, metrics), and the runbooks' SQL runs."""

import re
from pathlib import Path

import psycopg
import pytest

PROJECT = Path(__file__).parents[3]
DOCUMENTS = [*sorted(PROJECT.glob("docs/**/*.md")), PROJECT / "CHANGELOG.md"]
SOURCES = "\n".join(
    path.read_text() for part in ("storecast", "demo") for path in (PROJECT / "backend" / part).rglob("*.py")
)
TOP = ("backend/", "docs/", "extensions/", "frontend/", "nginx/")
# Named by Docker, Celery and SQL, not by us.
FOREIGN_NAMES = {"REMAP_SIGTERM", "CONFIRMED_OPT_IN", "CREATEROLE", "NOTIFY", "NO_EXTENSION"}

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))


def code_spans(path: Path) -> list[str]:
    prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


@every_document
def test_no_document_is_empty(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) >= 10
    assert lines[0].startswith("# ")


@every_document
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", path.read_text())
    local = [target.split("#")[0] for target in targets if "://" not in target]
    missing = [target for target in local if target and not (path.parent / target).exists()]
    assert missing == []


@every_document
def test_files_that_are_named_exist(path: Path) -> None:
    named = [span for span in code_spans(path) if span.startswith(TOP) and not re.search(r"[ <*]", span)]
    assert [name for name in named if not (PROJECT / name).exists()] == []
    inside = [span for span in code_spans(path) if re.fullmatch(r"(storecast|shops)/[\w/.]+\.py", span)]
    backend = PROJECT / "backend"
    homes = (backend, backend / "storecast")
    assert [name for name in inside if not any((home / name).exists() for home in homes)] == []


@every_document
def test_settings_and_metrics_that_are_named_exist(path: Path) -> None:
    example = (PROJECT / ".env.example").read_text()
    for span in code_spans(path):
        for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", span):
            assert name in FOREIGN_NAMES or name in example or name in SOURCES, name
        for metric in re.findall(r"\bstorecast_\w+_(?:total|seconds)\b", span):
            assert f'"{metric}"' in SOURCES, metric


def runbook_queries() -> list[tuple[str, str]]:
    return [
        (path.stem, block)
        for path in sorted((PROJECT / "docs" / "runbooks").glob("*.md"))
        for block in re.findall(r"```sql\n(.*?)```", path.read_text(), re.DOTALL)
    ]


@pytest.mark.parametrize(("runbook", "sql"), runbook_queries())
def test_the_runbooks_queries_run(database: str, runbook: str, sql: str) -> None:
    with psycopg.connect(database) as connection:
        for statement in filter(None, (part.strip() for part in sql.split(";"))):
            connection.execute(statement.replace("…", "0").encode())


def test_every_decision_has_its_parts_and_is_listed() -> None:
    index = (PROJECT / "docs" / "adr" / "README.md").read_text()
    decisions = sorted((PROJECT / "docs" / "adr").glob("0*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Alternatives", "Check"], path.name
        assert f"]({path.name})" in index
        assert len(path.read_text().splitlines()) <= 60, f"{path.name} is longer than a page"
