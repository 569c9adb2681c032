"""The shipped nginx configuration, run by a real nginx before two upstreams that say what reached them."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).parents[3] / "nginx"
TOKEN = "AAAAAQAAAAAAAAAHAAAAAAAAACr0ZQk1bX3cVq9R"
START_TIMEOUT_S = 10.0
EDGE_PATHS = [
    "/webhooks",
    "/webhooks/orders",
    "/pixel/v1/events",
    f"/o/{TOKEN}.gif",
    f"/c/{TOKEN}/1",
    f"/u/{TOKEN}",
]
API_PATHS = [
    "/",
    "/index.html",
    "/campaigns/cmp_1",
    "/api/v1/session",
    "/auth/callback",
    "/healthz",
    "/o",
    "/ui/",
]


@dataclass(frozen=True)
class Answer:
    """A response as a client sees it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} is sent {len(values)} times"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> dict[str, object]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True)
class Site:
    """One running nginx."""

    port: int
    log: Path

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body=body or None, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request(
            "GET", path, headers={key.replace("_", "-"): value for key, value in headers.items()}
        )

    def logged(self, request_id: str | None) -> dict[str, object]:
        """The access log's line about this request; written just after the answer."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            for line in self.log.read_text().splitlines():
                record = json.loads(line)
                if record["request_id"] == request_id:
                    assert isinstance(record, dict)
                    return record
            time.sleep(0.01)
        raise AssertionError(f"no log line for {request_id}")


class Upstream(BaseHTTPRequestHandler):
    """Says which server it is and what it received; sets headers that nginx must replace."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        received = {key.lower(): value for key, value in self.headers.items()}
        content = json.dumps(
            {"server": self.server_name(), "path": self.path, "bytes": len(body), "headers": received}
        ).encode()
        self.send_response(404 if "missing" in self.path else 200)
        for name, value in {
            "Content-Type": "text/event-stream" if self.path.endswith("/stream") else "application/json",
            "X-Request-ID": "of-the-upstream",
            "X-Content-Type-Options": "wrong",
            "Cache-Control": "no-store",
            "Content-Security-Policy": "frame-ancestors https://cdnow.myshopify.com",
            "Content-Length": str(len(content)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def server_name(self) -> str:
        return str(getattr(self.server, "name"))  # noqa: B009  # set by `upstream`, unknown to the type

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: nginx's log is the one under test."""


@pytest.fixture(scope="module")
def nginx() -> str:
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        pytest.fail(
            "nginx is needed to test its configuration: apt-get install nginx-light (or brew install nginx)"
        )
    return binary


@pytest.fixture(scope="module")
def site(nginx: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with_edge, with_api = upstream("edge"), upstream("api")
    try:
        yield from run(nginx, tmp_path_factory.mktemp("nginx"), with_api.server_port, with_edge.server_port)
    finally:
        for server in (with_edge, with_api):
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="module")
def lonely_site(nginx: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An nginx whose upstreams are down."""
    yield from run(nginx, tmp_path_factory.mktemp("lonely"), free_port(), free_port())


def upstream(name: str) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.daemon_threads = True
    server.name = name  # type: ignore[attr-defined]  # read by the handler
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(nginx: str, folder: Path, api_port: int, edge_port: int) -> Iterator[Site]:
    """The shipped configuration with a site/ of its own, as another installation would write one."""
    configuration, prefix, port = folder / "configuration", folder / "run", free_port()
    shutil.copytree(CONFIGURATION, configuration)
    prefix.mkdir()
    (configuration / "site" / "upstreams.conf").write_text(
        f"upstream storecast_api {{ server 127.0.0.1:{api_port}; keepalive 4; }}\n"
        f"upstream storecast_edge {{ server 127.0.0.1:{edge_port}; keepalive 4; }}\n"
    )
    (configuration / "site" / "listen.conf").write_text(f"listen 127.0.0.1:{port};\n")
    log = folder / "access.log"
    # Workers of a root-started nginx change to another user, who cannot enter the test's private folder.
    directives = "daemon off; user root;" if Path("/proc/self").stat().st_uid == 0 else "daemon off;"
    command = [nginx, "-p", str(prefix), "-c", str(configuration / "nginx.conf"), "-g", directives]
    with log.open("ab") as out, (folder / "error.log").open("wb") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors)
    try:
        wait_until_open(process, port, folder / "error.log")
        yield Site(port, log)
    finally:
        process.terminate()
        process.wait(timeout=START_TIMEOUT_S)


def wait_until_open(process: subprocess.Popen[bytes], port: int, errors: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, f"nginx did not start: {errors.read_text()}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nginx does not listen on {port}: {errors.read_text()}")


@pytest.mark.parametrize("path", EDGE_PATHS)
def test_what_the_world_sends_goes_to_the_edge(site: Site, path: str) -> None:
    answer = site.request("POST", path, b"{}")
    assert (answer.status, answer.json()["server"], answer.json()["path"]) == (200, "edge", path)


@pytest.mark.parametrize("path", API_PATHS)
def test_everything_else_goes_to_the_api(site: Site, path: str) -> None:
    answer = site.get(path)
    assert (answer.status, answer.json()["server"], answer.json()["path"]) == (200, "api", path)


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_the_machines_own_addresses_are_not_public(site: Site, path: str) -> None:
    assert site.get(path).status == 404


def test_nginx_answers_for_its_own_health(lonely_site: Site) -> None:
    assert lonely_site.get("/nginx-health").status == 204


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/webhooks", 5 * 1024 * 1024),
        ("/pixel/v1/events", 64 * 1024),
        (f"/u/{TOKEN}", 8 * 1024),
        ("/api/v1/campaigns", 1024 * 1024),
        ("/auth/callback", 16 * 1024),
        ("/", 16 * 1024),
    ],
)
def test_each_family_has_its_body_limit(site: Site, path: str, limit: int) -> None:
    kept = site.request("POST", path, b"x" * limit)
    assert (kept.status, kept.json()["bytes"]) == (200, limit)
    refused = site.request("POST", path, b"x" * (limit + 1))
    assert refused.status == 413
    assert refused.header("Content-Type") == "application/problem+json"
    assert refused.json()["code"] == "too_large"
    assert refused.json()["request_id"] == refused.header("X-Request-ID")
    assert refused.header("Access-Control-Allow-Origin") == ("*" if path.startswith("/pixel/") else None)


def test_too_many_requests_are_refused_with_a_time_to_come_back(site: Site) -> None:
    answers = [site.get("/auth/login") for _ in range(60)]
    refused = [answer for answer in answers if answer.status == 429]
    assert [answer.status for answer in answers[:10]] == [200] * 10
    assert refused
    assert refused[0].json()["code"] == "too_many_requests"
    assert refused[0].header("Retry-After") == "1"
    # One family's crowd does not shut out the others.
    assert site.get("/api/v1/session").status == 200
    assert site.request("POST", "/webhooks", b"{}").status == 200


def test_a_burst_of_deliveries_is_not_refused(site: Site) -> None:
    assert {site.request("POST", "/webhooks", b"{}").status for _ in range(300)} == {200}


@pytest.mark.parametrize(
    "path", ["/webhooks", "/pixel/v1/events", "/api/v1/session", "/assets/index-1a2b.js"]
)
def test_when_the_upstream_is_away_the_answer_says_when_to_come_back(lonely_site: Site, path: str) -> None:
    answer = lonely_site.request("POST", path, b"{}")
    assert answer.status == 503
    assert answer.header("Retry-After") == "5"
    assert answer.header("Cache-Control") == "no-store"
    assert answer.json()["code"] == "unavailable"
    is_pixel = path.startswith("/pixel/")
    assert answer.header("Access-Control-Allow-Origin") == ("*" if is_pixel else None)
    assert answer.header("Access-Control-Expose-Headers") == ("Retry-After" if is_pixel else None)


def test_a_person_sees_a_page_when_the_app_is_away(lonely_site: Site) -> None:
    answer = lonely_site.get("/campaigns")
    assert answer.status == 503
    assert answer.header("Content-Type") == "text/html"
    assert str(answer.header("X-Request-ID")) in answer.body.decode()


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/session", "/pixel/v1/events", "/assets/index-1a2b.js", "/metrics"]
)
def test_headers_that_are_the_same_for_every_shop(site: Site, path: str) -> None:
    answer = site.get(path)
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Referrer-Policy") == "strict-origin-when-cross-origin"
    assert answer.header("Strict-Transport-Security") == "max-age=31536000"
    assert answer.header("Permissions-Policy") == "camera=(), geolocation=(), microphone=()"
    assert answer.header("X-Frame-Options") is None
    assert answer.header("Server") == "nginx"


def test_the_shops_own_frame_policy_passes_through(site: Site) -> None:
    assert site.get("/").header("Content-Security-Policy") == "frame-ancestors https://cdnow.myshopify.com"


def test_a_message_token_is_no_referrer(site: Site) -> None:
    assert site.get(f"/c/{TOKEN}/1").header("Referrer-Policy") == "no-referrer"


def test_the_request_id_is_ours_and_the_same_on_both_sides(site: Site) -> None:
    answer = site.get("/api/v1/session", X_Request_ID="chosen-by-the-caller")
    received = answer.json()["headers"]
    assert isinstance(received, dict)
    assert re.fullmatch(r"[0-9a-f]{32}", str(answer.header("X-Request-ID")))
    assert received["x-request-id"] == answer.header("X-Request-ID")


def test_a_caller_cannot_choose_its_address_or_scheme(site: Site) -> None:
    answer = site.get(
        "/", X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="http", Forwarded="for=203.0.113.9"
    )
    received = answer.json()["headers"]
    assert isinstance(received, dict)
    assert received["x-forwarded-for"] == "127.0.0.1"
    assert received["x-forwarded-proto"] == "https"
    assert "forwarded" not in received


def test_assets_are_kept_for_good_and_a_missing_one_is_not(site: Site) -> None:
    assert site.get("/assets/index-1a2b.js").header("Cache-Control") == "public, max-age=31536000, immutable"
    missing = site.get("/assets/missing.js")
    assert (missing.status, missing.header("Cache-Control")) == (404, None)
    assert site.get("/").header("Cache-Control") == "no-store"


def test_text_is_compressed_and_a_stream_is_not(site: Site) -> None:
    padding = {"Accept-Encoding": "gzip", "X-Padding": "x" * 2048}
    assert site.request("GET", "/api/v1/session", headers=padding).header("Content-Encoding") == "gzip"
    stream = site.request("GET", "/api/v1/campaigns/cmp_1/stream", headers=padding)
    assert (stream.status, stream.header("Content-Encoding")) == (200, None)


@pytest.mark.parametrize(
    ("path", "logged", "family"),
    [
        ("/?shop=cdnow.myshopify.com&id_token=secret.secret.secret", "/", "app"),
        ("/auth/callback?code=secret", "/auth/callback", "auth"),
        (f"/u/{TOKEN}?secret=1", "/u/-", "tracking"),
        (f"/c/{TOKEN}/3", "/c/-", "tracking"),
        (f"/o/{TOKEN}.gif", "/o/-", "tracking"),
    ],
)
def test_no_token_reaches_the_log(site: Site, path: str, logged: str, family: str) -> None:
    request_id = site.get(path, Referer=f"https://mail.example/{TOKEN}").header("X-Request-ID")
    record = site.logged(request_id)
    assert (record["path"], record["family"], record["event"]) == (logged, family, "request")
    text = site.log.read_text()
    assert "secret" not in text
    assert TOKEN not in text


def test_the_error_log_names_no_request(lonely_site: Site) -> None:
    lonely_site.get("/?id_token=secret.secret.secret")
    assert "secret" not in (lonely_site.log.parent / "error.log").read_text()


def test_the_shipped_site_names_the_services_of_the_compose_file() -> None:
    upstreams = (CONFIGURATION / "site" / "upstreams.conf").read_text()
    assert re.findall(r"upstream (\w+)", upstreams) == ["storecast_api", "storecast_edge"]
    assert re.findall(r"^\s+server (\S+)", upstreams, re.MULTILINE) == ["api:8000", "edge:8001"]
    used = {
        name
        for path in CONFIGURATION.glob("conf.d/*.conf")
        for name in re.findall(r"http://(\w+)", path.read_text())
    }
    assert used == {"storecast_api", "storecast_edge"}
