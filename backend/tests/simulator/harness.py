"""What the tests stand on: a simulator as a process of its own, and a record of what it sends to the app."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

BACKEND = Path(__file__).parents[2]
SHOP = "cdnow.myshopify.com"
CLIENT_ID = "test-client"
CLIENT_SECRET = "test-secret"
SCOPES = (
    "read_customers,write_customers,read_orders,read_products,write_pixels,read_customer_events,"
    "write_marketing_events,write_discounts"
)
TOPICS = (
    "app/uninstalled", "app/scopes_update", "orders/create", "orders/updated", "customers/create", "customers/update",
    "customers_email_marketing_consent/update", "bulk_operations/finish", "products/update",
    "customer.tags_added", "customer.tags_removed",
)  # fmt: skip
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
WAIT_S = 15.0


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Recorder:
    """Answers each webhook with the next of `statuses`, then 200."""

    url: str
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def of(self, topic: str) -> list[Received]:
        return [delivery for delivery in self.received if delivery.headers["x-shopify-topic"] == topic]

    def wait_for(self, topic: str, count: int = 1) -> list[Received]:
        with self.arrived:
            complete = self.arrived.wait_for(lambda: len(self.of(topic)) >= count, timeout=WAIT_S)
        assert complete, f"{len(self.of(topic))} of {count} {topic} arrived"
        return self.of(topic)


@dataclass
class Platform:
    """A running simulator, spoken to as an app and as its operator."""

    base: str
    http: httpx.Client

    @property
    def shop(self) -> str:
        return f"{self.base}/{SHOP}"

    def control(self, path: str, **body: Any) -> Any:
        answer = self.http.post(f"{self.base}/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> Any:
        return self.http.get(f"{self.base}/control/state").json()

    def grant(self, **parameters: Any) -> httpx.Response:
        body = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **parameters}
        return self.http.post(f"{self.shop}/admin/oauth/access_token", json=body)

    def exchange(self, **parameters: Any) -> httpx.Response:
        defaults = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": self.control("id_token")["id_token"],
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": OFFLINE,
            "expiring": 1,
        }
        return self.grant(**(defaults | parameters))

    def token(self) -> str:
        answer = self.exchange()
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def post(self, token: str, query: str, variables: dict[str, Any] | None = None) -> httpx.Response:
        return self.http.post(
            f"{self.shop}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables or {}},
            headers={"X-Shopify-Access-Token": token},
        )

    def ask(self, token: str, query: str, variables: dict[str, Any] | None = None) -> Any:
        """The data of an answer without errors."""
        answer = self.post(token, query, variables)
        body = answer.json()
        assert answer.status_code == 200, answer.text
        assert "errors" not in body, body["errors"]
        return body["data"]

    def start_bulk(self, token: str, query: str, *, grouped: bool = False) -> Any:
        mutation = (
            "mutation($q: String!, $g: Boolean!) { bulkOperationRunQuery(query: $q, groupObjects: $g)"
            " { bulkOperation { id status } userErrors { code field message } } }"
        )
        return self.ask(token, mutation, {"q": query, "g": grouped})["bulkOperationRunQuery"]

    def finished_bulk(self, token: str, gid: str) -> Any:
        query = (
            "query($id: ID!) { bulkOperation(id: $id) { status errorCode objectCount rootObjectCount fileSize url"
            " completedAt } }"
        )
        found: list[Any] = []

        def done() -> bool:
            found[:] = [self.ask(token, query, {"id": gid})["bulkOperation"]]
            return found[0]["completedAt"] is not None

        wait_until(done, timeout_s=60)
        return found[0]

    def bulk(self, token: str, query: str, *, grouped: bool = False) -> tuple[Any, list[Any]]:
        """The finished operation and its lines."""
        started = self.start_bulk(token, query, grouped=grouped)
        assert started["userErrors"] == []
        operation = self.finished_bulk(token, started["bulkOperation"]["id"])
        lines = self.http.get(operation["url"]).text.splitlines() if operation["url"] else []
        return operation, [json.loads(line) for line in lines]


def wait_until(condition: Callable[[], bool], *, timeout_s: float = WAIT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.02)


@contextmanager
def running(state: Path, webhook_url: str, *options: str) -> Iterator[Platform]:
    """A simulator that ends with the block."""
    manifest = state / "shopify.app.toml"
    state.mkdir(parents=True, exist_ok=True)
    manifest.write_text(
        f'name = "Test"\nhandle = "test"\n[access_scopes]\nscopes = "{SCOPES}"\n[auth]\nredirect_urls = []\n'
        f"[webhooks]\napi_version = '2026-10'\n[[webhooks.subscriptions]]\ntopics = {json.dumps(TOPICS)}\n"
        'compliance_topics = ["customers/data_request", "customers/redact", "shop/redact"]\nuri = "/webhooks"\n'
    )
    command = [
        sys.executable, "-m", "simulator", "--port", "0", "--state", str(state), "--client-id", CLIENT_ID,
        "--client-secret", CLIENT_SECRET, "--app-url", "http://app.example", "--webhook-url", webhook_url,
        "--app-toml", str(manifest), "--webhook-backoff", "0.05,0.1,0.1", *options,
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=BACKEND, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        word, _, address = process.stdout.readline().strip().partition(" ")
        assert word == "ready", "the simulator did not start; its own output says why"
        with httpx.Client(timeout=60) as http:
            yield Platform(address, http)
    finally:
        process.terminate()
        process.communicate(timeout=15)
    assert process.returncode in (0, -15)
