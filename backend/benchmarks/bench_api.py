"""Authenticated reads through the shipped nginx and the real API processes, beside a FastAPI route with a constant.

`N=200000 make bench-api` (N is the number of customers; REQUESTS, CONNECTIONS and PROCESSES may be given). The reads
are the campaign list, job runs, and customers with a search, in equal shares. Client, nginx, API, PostgreSQL and Redis
share this machine's cores; the constant is served by as many processes behind the same nginx to the same client.
nginx's rate per address is lifted, since all requests come from one.
"""

import contextlib
import itertools
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import jwt
import psycopg
from fastapi import FastAPI

from benchmarks.http_load import Figures, free_port, load, serving, uvicorn
from benchmarks.meter import Meter, own_postgres, own_redis
from benchmarks.report import Mark, finish
from benchmarks.stage import SECRET, SHOP, Stage, stage
from storecast.db import partitions
from storecast.db.roles import Role
from storecast.db.session import make_engine
from storecast.kit.clock import utcnow

CUSTOMERS = int(os.environ.get("N", "200000"))
REQUESTS = int(os.environ.get("REQUESTS", str(max(60, min(6_000, CUSTOMERS // 10)))))
PROCESSES = int(os.environ.get("PROCESSES", "2"))
CAMPAIGNS = 60
JOBS = 2_000
CONFIGURATION = Path(__file__).parents[2] / "nginx"
USER = "7"
SEARCHES = ("ana", "silva", "customer12", "bruno costa", "example.com", "nobody-has-this")
GENEROUS = {f"STORECAST_API_{kind}_PER_MINUTE": "100000000" for kind in ("READS", "WRITES", "EXPENSIVE")}

constant = FastAPI()


@constant.get("/api/v1/{path:path}")
def _constant() -> dict[str, list[str]]:
    return {"items": ["a constant"]}


CUSTOMER_ROWS = """
WITH made AS (
  INSERT INTO customers (shop_id, public_id, gid, email, first_name, last_name, city, country, email_state,
                         shopify_updated_at)
  SELECT %(shop)s, 'cus_' || n, 'gid://shopify/Customer/' || n, 'customer' || n || '@example.com',
         (ARRAY['Ana','Bruno','Clara','Dinis','Eva'])[1 + n %% 5],
         (ARRAY['Silva','Costa','Santos','Lopes','Reis','Moura','Pinto'])[1 + n %% 7],
         'Lisbon', 'PT', 'subscribed', now()
    FROM generate_series(1, %(count)s) AS n RETURNING id
)
INSERT INTO customer_facts (shop_id, customer_id, orders_count, total_spent_minor, last_order_at)
SELECT %(shop)s, id, id %% 9, id %% 100000, now() FROM made
"""

CAMPAIGN_ROWS = """
INSERT INTO campaigns (shop_id, public_id, name, state)
SELECT %(shop)s, 'cmp_' || n, 'Campaign ' || n, 'draft' FROM generate_series(1, %(count)s) AS n
"""

RUN_ROWS = """
INSERT INTO job_runs (id, shop_id, name, queue, args, state, max_attempts, run_at, enqueued_at, started_at,
                      finished_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n %% 4096), 3, '0') || '8'
        || substr(md5(n::text), 1, 15))::uuid,
       %(shop)s, 'campaigns.send_batch', 'bulk', '{}', 'succeeded', 8, at, at, at, at
  FROM (SELECT n, now() - n * interval '1 second' AS at FROM generate_series(1, %(count)s) AS n) AS made
"""


def fill(at: Stage) -> None:
    """One shop with its owner, campaigns, runs and customers."""
    engine = make_engine(at.dsn, Role.RETENTION)
    with engine.begin() as connection:
        for days in (0, 1):
            partitions.ensure(connection, "job_runs", now=utcnow() - timedelta(days=days))
    engine.dispose()
    with psycopg.connect(at.dsn) as session:
        session.execute(
            "INSERT INTO shop_members (shop_id, shopify_user_id, email, name, role, last_seen_at) "
            "VALUES (%s, %s, 'owner@example.com', 'Olive Owner', 'owner', now())",
            [at.shop_id, USER],
        )
        session.execute(
            "INSERT INTO shop_tokens (shop_id, access_token) VALUES (%s, %s)", [at.shop_id, b"not used here"]
        )
        session.execute(
            "UPDATE shops SET currency = 'USD', timezone = 'Europe/Lisbon' WHERE id = %s", [at.shop_id]
        )
        for rows, count in ((CUSTOMER_ROWS, CUSTOMERS), (CAMPAIGN_ROWS, CAMPAIGNS), (RUN_ROWS, JOBS)):
            session.execute(rows, {"shop": at.shop_id, "count": count})
    with psycopg.connect(at.dsn, autocommit=True) as session:
        session.execute("VACUUM ANALYZE")


def get(path: str) -> bytes:
    """A request with an ID token that lives as long as one may."""
    now = int(time.time())
    claims = {
        "iss": f"https://{SHOP}/admin", "dest": f"https://{SHOP}", "aud": "bench", "sub": USER, "exp": now + 290,
        "nbf": now, "iat": now, "jti": uuid4().hex, "sid": uuid4().hex,
    }  # fmt: skip
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def reads() -> dict[str, list[bytes]]:
    """The requests by kind."""
    return {
        "campaigns": [get("/api/v1/campaigns")],
        "runs": [get("/api/v1/jobs")],
        "customers": [get(f"/api/v1/customers?search={word.replace(' ', '%20')}") for word in SEARCHES],
    }


def in_turn(requests: list[bytes]) -> Callable[[], bytes]:
    """One after the other, again and again."""
    return itertools.cycle(requests).__next__


def mixed(kinds: dict[str, list[bytes]]) -> Callable[[], bytes]:
    """Every kind as often as every other."""
    turns = itertools.cycle([in_turn(requests) for requests in kinds.values()])

    def take() -> bytes:
        return next(turns)()

    return take


@contextlib.contextmanager
def gateway(folder: Path, ports: list[int]) -> Iterator[tuple[int, int]]:
    """The shipped nginx configuration before these servers: its port and its process id."""
    configuration, prefix = folder / f"nginx-{uuid4().hex}", folder / f"run-{uuid4().hex}"
    shutil.copytree(CONFIGURATION, configuration)
    prefix.mkdir()
    port = free_port()
    main = configuration / "nginx.conf"
    main.write_text(re.sub(r"rate=\d+r/s", "rate=100000r/s", main.read_text()))
    servers = " ".join(f"server 127.0.0.1:{each};" for each in ports)
    (configuration / "site" / "upstreams.conf").write_text(
        f"upstream storecast_api {{ {servers} keepalive 64; }}\n"
        "upstream storecast_edge { server 127.0.0.1:1; }\n"
    )
    (configuration / "site" / "listen.conf").write_text(f"listen 127.0.0.1:{port};\n")
    directives = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    command = ["nginx", "-p", str(prefix), "-c", str(main), "-g", directives]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_open(running, port)
        yield port, running.pid
    finally:
        running.terminate()
        running.wait(20)


def _wait_until_open(running: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline or running.poll() is not None:
            raise RuntimeError("nginx does not listen")
        time.sleep(0.02)


@contextlib.contextmanager
def served(app: str, at: Stage) -> Iterator[tuple[int, Meter]]:
    """An app in several processes behind nginx, and what all of them use."""
    with contextlib.ExitStack() as stack:
        ports = [free_port() for _ in range(PROCESSES)]
        servers = [stack.enter_context(serving(uvicorn(app, port), port, at.environment)) for port in ports]
        port, nginx = stack.enter_context(gateway(at.folder, ports))
        roles = {"api": [process.pid for process in servers], "nginx": [nginx]}
        yield port, Meter({**roles, "postgres": own_postgres(), "redis": own_redis()})


def measured(port: int, meter: Meter) -> tuple[Figures, dict[str, float]]:
    """The mixed reads, and what each took of a processor by part, in milliseconds a request."""
    load(port, mixed(reads()), max(30, REQUESTS // 10))
    before = meter.cpu_s()
    figures = load(port, mixed(reads()), REQUESTS)
    spent = {role: seconds - before[role] for role, seconds in meter.cpu_s().items()}
    spent["client"] = figures.client_busy * figures.seconds
    return figures, {role: seconds * 1000 / REQUESTS for role, seconds in spent.items()}


def parts(cpu_ms: dict[str, float]) -> str:
    """A line of the table."""
    return "    µs of processor a request: " + "   ".join(
        f"{role} {value * 1000:,.0f}" for role, value in cpu_ms.items()
    )


def main() -> None:
    """Run the reference and the API, and report."""
    with stage(**GENEROUS) as at:
        fill(at)
        with served("benchmarks.bench_api:constant", at) as (port, meter):
            bare, bare_cpu_ms = measured(port, meter)
            print(bare.line("constant"), parts(bare_cpu_ms), sep="\n")
        with served("storecast.entrypoints.api:app", at) as (port, meter):
            api, cpu_ms = measured(port, meter)
            print(api.line("api"), parts(cpu_ms), sep="\n")
            kinds = {}
            for kind, requests in reads().items():
                kinds[kind] = load(port, in_turn(requests), REQUESTS // 3)
                print(kinds[kind].line(kind))
            meter.look()
        finish(
            "api",
            value=api.rate,
            unit="authenticated reads/s through nginx",
            reference="FastAPI route that returns a constant, requests/s",
            reference_value=bare.rate,
            peak_mib=meter.peak_mib,
            marks=[
                Mark("requests_per_s", api.rate, 1_000),
                Mark("p95_ms", api.percentile_ms(0.95), 100, "<="),
                Mark("p99_ms", api.percentile_ms(0.99), sense="<="),
                Mark("constant_cpu_ms_per_request", sum(bare_cpu_ms.values()), sense="<="),
                *(Mark(f"{role}_cpu_ms_per_request", value, sense="<=") for role, value in cpu_ms.items()),
                *(Mark(f"{kind}_per_s", figures.rate) for kind, figures in kinds.items()),
                Mark("refused", api.refused + sum(each.refused for each in kinds.values()), 0, "<="),
            ],
        )


if __name__ == "__main__":
    main()
