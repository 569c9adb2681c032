"""Known vulnerabilities of every package and a static security linter: `make audit`.

Ends with 0 when nothing is known, 1 when something is, 3 when an advisory service could not be asked, so that
"could not look" is never taken for "nothing there"; AUDIT_UNREACHABLE=warn says so and ends with 0 then.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any

from demo.stack import BACKEND
from demo.state import PROJECT

SEVERE = ("high", "critical")
TIMEOUT_S = 300
NPM_FOLDERS = (PROJECT / "frontend", PROJECT / "extensions" / "web-pixel")


class Verdict(IntEnum):
    """What one part of the audit ends with; a finding outweighs an unknown."""

    CLEAN = 0
    FOUND = 1
    UNKNOWN = 3


def run(command: list[str], folder: Path = BACKEND) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def parse(text: str) -> Any:
    """The JSON of a tool, None when it wrote none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def audit_python(lock: str) -> tuple[Verdict, str]:
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "-r",
        lock,
        "--require-hashes",
        "--disable-pip",
        "-f",
        "json",
    ]
    done = run([*command, "--progress-spinner", "off"])
    report = parse(done.stdout)
    if report is None:
        return Verdict.UNKNOWN, f"pip-audit could not ask: {last_line(done.stderr)}"
    packages = report["dependencies"]
    found = [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        for package in packages
        for vulnerability in package.get("vulns", [])
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if found:
        return Verdict.FOUND, "; ".join(found)
    if skipped:
        return Verdict.UNKNOWN, f"no advisories to be had for {len(skipped)} of {len(packages)} packages"
    return Verdict.CLEAN, f"nothing known about {len(packages)} packages"


def audit_npm(folder: Path) -> tuple[Verdict, str]:
    report = parse(run(["npm", "audit", "--omit=dev", "--json"], folder).stdout)
    if not isinstance(report, dict) or "metadata" not in report:
        message = report.get("message", "no answer") if isinstance(report, dict) else "no answer"
        return Verdict.UNKNOWN, f"npm audit could not ask: {message}"
    counts = report["metadata"]["vulnerabilities"]
    severe = sum(counts[severity] for severity in SEVERE)
    return (Verdict.FOUND if severe else Verdict.CLEAN), f"{severe} high or critical of {counts['total']}"


def lint_security() -> tuple[Verdict, str]:
    command = [sys.executable, "-m", "bandit", "-q", "-r", "storecast", "-f", "json", "-c", "pyproject.toml"]
    report = parse(run(command).stdout)
    if report is None or report["errors"]:
        return Verdict.UNKNOWN, "bandit could not read the code"
    severe = [one for one in report["results"] if one["issue_severity"].lower() in SEVERE]
    if severe:
        places = (f"{one['filename']}:{one['line_number']} {one['issue_text']}" for one in severe)
        return Verdict.FOUND, "; ".join(places)
    lines = report["metrics"]["_totals"]["loc"]
    return Verdict.CLEAN, f"nothing high in {lines:,} lines ({len(report['results'])} lesser remarks)"


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no answer"])[-1][:300]


def main() -> int:
    parts: list[tuple[str, Callable[[], tuple[Verdict, str]]]] = [
        ("Python packages", lambda: audit_python("requirements.lock")),
        ("Python development packages", lambda: audit_python("requirements-dev.lock")),
        *((f"npm {folder.name}", lambda folder=folder: audit_npm(folder)) for folder in NPM_FOLDERS),
        ("static analysis", lint_security),
    ]
    marks = {Verdict.CLEAN: "✓", Verdict.FOUND: "✗", Verdict.UNKNOWN: "?"}
    verdicts = []
    for name, look in parts:
        try:
            verdict, note = look()
        except subprocess.TimeoutExpired:
            verdict, note = Verdict.UNKNOWN, f"no answer within {TIMEOUT_S} s"
        verdicts.append(verdict)
        print(f"{marks[verdict]} {name}: {note}", flush=True)
    if Verdict.FOUND in verdicts:
        return Verdict.FOUND
    if Verdict.UNKNOWN in verdicts:
        print(
            "? an advisory service could not be asked: run `make audit` where PyPI and npm answer",
            file=sys.stderr,
        )
        return 0 if os.environ.get("AUDIT_UNREACHABLE") == "warn" else Verdict.UNKNOWN
    return Verdict.CLEAN


if __name__ == "__main__":
    sys.exit(main())
