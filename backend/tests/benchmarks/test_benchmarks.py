"""Every benchmark runs at a small size and ends with its line, so that none of them rots."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.brokers.conftest import BROKERS

BACKEND = Path(__file__).parents[2]
BENCHES = sorted(file.stem for file in (BACKEND / "benchmarks").glob("bench_*.py"))
KEYS = {"bench", "value", "unit", "reference", "reference_value", "ratio", "peak_mib", "marks"}


@pytest.mark.timeout(330)
@pytest.mark.parametrize("bench", BENCHES)
def test_a_small_run_measures_beside_its_reference(bench: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{bench}"],
        cwd=BACKEND,
        env={**os.environ, "N": "300", "CONNECTIONS": "4"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-3000:]
    line = json.loads(ran.stdout.splitlines()[-1])
    assert line.keys() == KEYS
    assert line["bench"] == bench.removeprefix("bench_")
    assert line["value"] > 0
    assert line["reference_value"] > 0
    assert all(mark.keys() == {"name", "value", "goal", "sense"} for mark in line["marks"])
    assert all(mark["sense"] in (">=", "<=") for mark in line["marks"])


@pytest.mark.parametrize("broker", BROKERS)
def test_a_small_chaos_run_loses_nothing_and_does_nothing_twice(broker: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos_jobs"],
        cwd=BACKEND,
        env={**os.environ, "N": "120", "KILLS": "2", "BROKER": broker, "REFERENCE": "no"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-3000:]
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        "chaos": "jobs",
        "broker": broker,
        "jobs": 120,
        "lost": 0,
        "duplicate_effects": 0,
        "kills": 2,
    }


@pytest.mark.timeout(430)
def test_a_small_chaos_run_of_webhooks_loses_nothing_and_does_nothing_twice() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos_webhooks"],
        cwd=BACKEND,
        env={**os.environ, "N": "150", "KILLS": "4"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-3000:]
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        "chaos": "webhooks",
        "deliveries": 150,
        "lost": 0,
        "duplicate_effects": 0,
        "kills": 4,
    }, ran.stdout


@pytest.mark.timeout(430)
def test_a_small_chaos_run_of_a_campaign_writes_to_everybody_once() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos_send"],
        cwd=BACKEND,
        env={**os.environ, "N": "400", "KILLS": "2", "RATE": "200", "END_S": "180"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr[-3000:]
    line = json.loads(ran.stdout.splitlines()[-1])
    assert list(line) == ["chaos", "recipients", "accepted", "lost", "duplicates", "unknown", "kills"]
    assert (line["lost"], line["duplicates"], line["kills"]) == (0, 0, 2), ran.stdout
    assert line["accepted"] + line["unknown"] == 400, ran.stdout
    in_flight = int(re.findall(r"(\d+) were on their way at kills", ran.stdout)[-1])
    assert line["unknown"] <= in_flight, ran.stdout
