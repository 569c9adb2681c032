"""Linters of others look at the container files: hadolint and compose-lint, both installed with the dev packages."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]


def lint(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    binary = shutil.which(tool, path=str(Path(sys.executable).parent)) or shutil.which(tool)
    if binary is None:
        pytest.fail(f"{tool} is missing: `make install` brings it (requirements-dev.lock)")
    return subprocess.run(
        [binary, *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    result = lint("hadolint", "--failure-threshold", "info", "backend/Dockerfile")
    assert (result.returncode, result.stdout) == (0, "")


def test_compose_lint_finds_nothing_high_in_the_compose_file() -> None:
    result = lint("compose-lint", "check", "--fail-on", "high", "docker-compose.yml")
    assert result.returncode == 0, result.stdout + result.stderr
