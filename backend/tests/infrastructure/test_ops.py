"""Alert rules, recording rules and dashboards: promtool takes them, and what they name exists."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # ships no types
from fastapi.testclient import TestClient
from prometheus_client import generate_latest
from starlette.testclient import TestClient as EdgeClient

import storecast.entrypoints.relay  # noqa: F401  # the metrics of the relay come with it
from storecast.config.settings import get_settings
from storecast.edge.app import create_app as create_edge

PROJECT = Path(__file__).parents[3]
OPS = PROJECT / "docs" / "ops"
DASHBOARDS = sorted((OPS / "dashboards").glob("*.json"))
METRIC = re.compile(r"\bstorecast_[a-z0-9_]+")
RECORDED = re.compile(r"\bstorecast:[a-z0-9_:]+")


def promtool(*arguments: str) -> str:
    """What promtool says; the test fails with advice where it is not installed."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.fail("promtool is missing: install Debian's package prometheus, or put promtool into PATH")
    run = subprocess.run([tool, *arguments], cwd=OPS, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def rules(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((OPS / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions(path: Path) -> list[str]:
    panels = json.loads(path.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_promtool_takes_the_rules() -> None:
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml", "recording.yml")


def test_the_rules_say_what_their_tests_want() -> None:
    assert "SUCCESS" in promtool("test", "rules", "tests.yml")


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_promtool_takes_every_expression_of_a_dashboard(dashboard: Path, tmp_path: Path) -> None:
    document = {
        "groups": [
            {
                "name": dashboard.stem,
                "rules": [
                    {"record": f"panel:{number}", "expr": expr}
                    for number, expr in enumerate(expressions(dashboard))
                ],
            }
        ]
    }
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(document))
    promtool("check", "rules", "--lint=none", str(file))


def test_there_is_a_dashboard_for_each_part() -> None:
    assert [path.stem for path in DASHBOARDS] == ["edge", "jobs", "sending", "workers"]
    documents = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len({document["uid"] for document in documents}) == len(documents)
    for document in documents:
        ids = [panel["id"] for panel in document["panels"]]
        assert len(set(ids)) == len(ids)
        # A data source of somebody's own would break the import anywhere else.
        sources = {panel["datasource"]["uid"] for panel in document["panels"]}
        assert sources == {"${datasource}"}


def test_every_alert_has_a_severity_and_a_runbook_that_exists() -> None:
    for rule in rules("alerts.yml"):
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        runbook = PROJECT / rule["annotations"]["runbook"]
        assert runbook.parent == PROJECT / "docs" / "runbooks"
        assert runbook.is_file(), rule["alert"]
        assert f"({runbook.name})" in (runbook.parent / "README.md").read_text()


def served(client: TestClient) -> set[str]:
    """The names of all samples that /metrics of the API, the edge and the relay can have."""
    edge = EdgeClient(create_edge(get_settings(), lambda _token: None, lambda *_link: None))
    names: set[str] = set()
    of_relay = generate_latest().decode()
    for text in (client.get("/metrics").text, edge.get("/metrics").text, of_relay):
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
            names.add(name)
            if kind == "histogram":
                names |= {f"{name}_bucket", f"{name}_count", f"{name}_sum"}
    return names


def test_every_metric_that_is_named_is_served(client: TestClient) -> None:
    known = served(client)
    recorded = {rule["record"] for rule in rules("recording.yml")}
    wanted = [
        *(rule["expr"] for file in ("alerts.yml", "recording.yml") for rule in rules(file)),
        *(expr for path in DASHBOARDS for expr in expressions(path)),
    ]
    assert {name for expr in wanted for name in METRIC.findall(expr)} - known == set()
    assert {name for expr in wanted for name in RECORDED.findall(expr)} - recorded == set()
