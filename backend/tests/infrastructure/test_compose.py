"""docker-compose.yml and the Dockerfile say what the tree can keep: commands, settings, pins, privileges."""

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # PyYAML ships no types

from storecast.config.settings import Settings
from storecast.worker.job import QUEUES

PROJECT = Path(__file__).parents[3]
BACKEND = PROJECT / "backend"
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (BACKEND / "Dockerfile").read_text()
EXAMPLE = (PROJECT / ".env.example").read_text()

ONE_SHOT = {"migrate"}
THIRD_PARTY = {"postgres", "redis", "rabbitmq", "nginx"}
OURS = SERVICES.keys() - THIRD_PARTY
# A version that names one release, by a tag with at least two dots or by a digest.
PINNED = re.compile(r"^[\w./-]+:(\d+\.\d+(\.\d+)?[\w.-]*)(@sha256:[0-9a-f]{64})?$")
SECRET_NAMES = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY$|_PASS$|_URL$")
# Not secret although the name looks it.
PUBLIC = {"SHOPIFY_API_KEY", "SHOPIFY_APP_URL", "STORECAST_EDGE_URL", "STORECAST_TRACE_URL"}
READ_BESIDE_SETTINGS = {
    "STORECAST_METRICS_PORT",
    "STORECAST_LISTEN",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
} | {
    "RABBITMQ_PASSWORD",
}

every_service = pytest.mark.parametrize("name", sorted(SERVICES))


def command_of(service: dict[str, Any]) -> list[str]:
    command = service.get("command", [])
    return command if isinstance(command, list) else shlex.split(command)


def test_every_role_has_a_service() -> None:
    assert set(SERVICES) == {
        "postgres",
        "redis",
        "rabbitmq",
        "migrate",
        "api",
        "edge",
        "relay",
        "beat",
        "nginx",
    } | {f"worker-{group}" for group in ("critical", "bulk", "sync", "ai")}


@every_service
def test_a_service_can_tell_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
        assert service["restart"] == "unless-stopped"


@every_service
def test_a_service_runs_with_the_least_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) <= 2, "Docker refuses more than the machine has"
    assert limits["memory"]
    assert service["logging"]["options"]["max-size"]
    # The stores write beside their volumes; everything else may write to memory only.
    if name not in {"postgres", "rabbitmq"}:
        assert service["read_only"] is True
        assert service["tmpfs"]


@every_service
def test_an_image_is_one_release(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"]), SERVICES[name]["image"]


@every_service
def test_no_secret_has_a_value_here(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if value is None or not SECRET_NAMES.search(key):
            continue
        assert re.search(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{key} has a default"
        password = re.search(r"://\w*:([^@]*)@", value)
        assert password is None or password[1].startswith("${")


@every_service
def test_only_nginx_is_reachable_from_outside(name: str) -> None:
    service = SERVICES[name]
    assert bool(service.get("ports")) == (name == "nginx")
    if name == "nginx":
        assert service["ports"] == ["${STORECAST_LISTEN:-127.0.0.1:8080}:8080"]
    if name in {"postgres", "redis", "rabbitmq"}:
        assert service["networks"] == ["data"]
        assert COMPOSE["networks"]["data"] == {"internal": True}


def test_what_shopify_and_the_mail_server_are_called_from_has_a_way_out() -> None:
    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert outside == {"api", *(name for name in SERVICES if name.startswith("worker-"))}


@every_service
def test_dependencies_exist_and_are_waited_for(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how["condition"] == expected
        assert other in SERVICES


@every_service
def test_named_volumes_are_declared(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("./"):
            assert (PROJECT / source).is_dir()
            assert volume.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_command_names_what_the_tree_has(name: str) -> None:
    command = command_of(SERVICES[name])
    assert command[:2] == ["python", "-m"]
    modules = [part.split(":")[0] for part in command if part.startswith("storecast.")]
    assert modules
    for module in modules:
        assert importlib.util.find_spec(module), module
    healthcheck = SERVICES[name].get("healthcheck", {}).get("test", [])
    for module in (part for part in healthcheck if part.startswith("storecast.")):
        assert importlib.util.find_spec(module), module


def test_every_queue_has_a_worker() -> None:
    commands = [command_of(SERVICES[name]) for name in SERVICES if name.startswith("worker-")]
    consumed = [queue for command in commands for queue in command[command.index("-Q") + 1].split(",")]
    assert sorted(consumed) == sorted(QUEUES)


def test_redis_keeps_what_it_was_told() -> None:
    command = " ".join(command_of(SERVICES["redis"]))
    for option in ("--appendonly yes", "--maxmemory-policy noeviction", '--requirepass "$$REDIS_PASSWORD"'):
        assert option in command


def test_every_required_setting_is_passed_and_none_is_unknown() -> None:
    aliases = {str(field.validation_alias): field for field in Settings.model_fields.values()}
    required = {alias for alias, field in aliases.items() if field.is_required()}
    for name in OURS:
        passed = set(SERVICES[name]["environment"])
        assert required <= passed, name
        assert passed - aliases.keys() <= {"REMAP_SIGTERM"}, name


def test_the_example_explains_every_setting_and_gives_no_secret() -> None:
    entries = re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE)
    names = [name for name, _value in entries]
    aliases = {str(field.validation_alias) for field in Settings.model_fields.values()}
    asked = set(re.findall(r"\$\{([A-Z_]+)", (PROJECT / "docker-compose.yml").read_text()))
    assert len(names) == len(set(names))
    assert aliases | asked <= set(names)
    assert set(names) <= aliases | asked | READ_BESIDE_SETTINGS
    for name, value in entries:
        if SECRET_NAMES.search(name) and name not in PUBLIC and not value.startswith(("http", "smtp")):
            assert value in {"", '""'} or "://" in value, f"{name} has a value"
        assert not re.search(r"://[^/@]*:[^@$/]+@", value), f"{name} holds a password"
    lines = EXAMPLE.splitlines()
    for number, line in enumerate(lines):
        if re.match(r"(# )?[A-Z][A-Z0-9_]+=", line):
            assert lines[number - 1].startswith("# "), f"{line} is not explained"


def test_the_image_is_built_from_pinned_parts_and_runs_as_nobody_in_particular() -> None:
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(stages) >= 2
    for image in stages:
        assert PINNED.fullmatch(image), image
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users[-1] == SERVICES["api"]["user"]
    assert "--require-hashes" in DOCKERFILE
    assert "--no-deps" in DOCKERFILE
    assert "ADD " not in DOCKERFILE
    assert not re.search(r"curl|wget|apt-get", DOCKERFILE)


def test_the_image_has_the_languages_versions_that_the_project_asks_for() -> None:
    assert re.search(r"^FROM python:3\.1[1-9]\.", DOCKERFILE, re.MULTILINE)
    node = re.search(r"^FROM node:(\d+)\.", DOCKERFILE, re.MULTILINE)
    assert node is not None
    assert int(node[1]) >= 20


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert ignored[1:4] == ["*", "!backend", "!frontend"]
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (PROJECT / source).exists(), source
            assert source.rstrip("/") not in ignored
