"""Webhooks a second on disk before the answer, beside an app that only checks the HMAC and Shopify's own library.

`N=40000 make bench-webhooks` (N deliveries for each of the three). 2 KB signed orders with ids of their own over 64
connections (CONNECTIONS), in turns, so that the noise of the machine meets all three: (a) an ASGI app under the same
server that reads the body and computes the HMAC, (b) `@shopify/shopify-api` behind node:http, which remembers ids in
memory, (c) the edge. Client, servers and PostgreSQL share this machine's cores. Afterwards the edge gets 500 deliveries
a second for ten seconds beside a campaign that real workers send. Every acknowledged row is counted in the database.
"""

import base64
import hmac
import os
import shutil
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg

from benchmarks import bench_send
from benchmarks.crew import wait_for
from benchmarks.deliveries import maker
from benchmarks.http_load import Figures, free_port, load, merged, serving, uvicorn
from benchmarks.meter import Meter, own_postgres
from benchmarks.report import Mark, finish
from benchmarks.smtp_sink import sink
from benchmarks.stage import BACKEND, SECRET, Stage, stage

N = int(os.environ.get("N", "40000"))
ROUNDS = 4
BESIDE_PER_S = 500
BESIDE_S = float(os.environ.get("BESIDE_S", min(10.0, N / 400)))
RECIPIENTS = int(os.environ.get("RECIPIENTS", max(3000, int(BESIDE_S * 6000))))
"""Of the campaign: enough that it outlasts the deliveries beside it."""

NODE_PROJECT = Path(__file__).parent / "node"
NODE_CACHE = BACKEND / ".cache" / "shopify-node"


async def checks_the_hmac(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    """The reference: the least that an ASGI app has to do for a webhook."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    signature = next(value for name, value in scope["headers"] if name == b"x-shopify-hmac-sha256")
    fits = hmac.compare_digest(base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")), signature)
    status = 200 if fits else 401
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def node_server() -> list[str]:
    """The command of Shopify's library, whose packages come by the lock into a cache."""
    lock = (NODE_PROJECT / "package-lock.json").read_text()
    stamp = NODE_CACHE / "node_modules" / ".stamp"
    if not stamp.exists() or stamp.read_text() != lock:
        shutil.copytree(
            NODE_PROJECT, NODE_CACHE, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules")
        )
        subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--silent"], cwd=NODE_CACHE, check=True)
        stamp.write_text(lock)
    shutil.copy(NODE_PROJECT / "server.mjs", NODE_CACHE)
    return ["node", str(NODE_CACHE / "server.mjs")]


def scalar(at: Stage, query: str) -> int:
    """The one number of a query."""
    with psycopg.connect(at.dsn) as connection:
        return int(connection.execute(query).fetchall()[0][0])


def in_turns(at: Stage) -> tuple[dict[str, list[Figures]], float]:
    """All three, round by round, and the largest process in MiB; prints the processor time of each."""
    ports = {name: free_port() for name in ("bare", "node", "edge")}
    commands = {
        "bare": uvicorn("benchmarks.bench_webhooks:checks_the_hmac", ports["bare"]),
        "node": node_server(),
        "edge": uvicorn("storecast.entrypoints.edge:app", ports["edge"]),
    }
    runs: dict[str, list[Figures]] = {name: [] for name in ports}
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(
                serving(commands[name], port, {**at.environment, "PORT": str(port), "SECRET": SECRET})
            )
            for name, port in ports.items()
        }
        for port in ports.values():
            load(port, maker(), max(1, min(N // ROUNDS, 2000)))
        meter = Meter({name: [process.pid] for name, process in processes.items()} | {"pg": own_postgres()})
        for number in range(ROUNDS):
            for name, port in ports.items():
                runs[name].append(load(port, maker(), N // ROUNDS))
            meter.look()
            print(
                f"  round {number + 1} of {ROUNDS}: "
                + "   ".join(f"{name} {each[-1].rate:,.0f}/s" for name, each in runs.items()),
                flush=True,
            )
        spent = meter.cpu_s()
        count = N // ROUNDS * ROUNDS
        print(
            "  processor µs a request: " + "   ".join(f"{k} {v / count * 1e6:.0f}" for k, v in spent.items())
        )
    return runs, meter.peak_mib


def beside_a_campaign(at: Stage) -> Figures:
    """The edge at a steady rate while relay and workers send a campaign and drain the inbox."""
    bench_send.seed(at, RECIPIENTS)
    _campaign_id, public_id = bench_send.draft(at, RECIPIENTS)
    port = free_port()
    with (
        bench_send.workers(at),
        serving(uvicorn("storecast.entrypoints.edge:app", port), port, at.environment),
    ):
        load(port, maker(), 100)
        bench_send.release(at, public_id, RECIPIENTS)
        accepted = "SELECT count(*) FROM message_deliveries WHERE state = 'accepted'"
        wait_for(lambda: scalar(at, accepted), "the campaign's first message", 120)
        figures = load(port, maker(), int(BESIDE_PER_S * BESIDE_S), per_second=BESIDE_PER_S)
        running = scalar(at, "SELECT count(*) FROM campaigns WHERE state = 'sending'")
        print(
            f"  beside a campaign of {RECIPIENTS:,}, {scalar(at, accepted):,} of it sent meanwhile"
            + ("" if running else ", which ended before the deliveries did"),
            flush=True,
        )
    return figures


def main() -> None:
    """Measure all three, then the edge at work, and report."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "sink"
        with (
            sink(socket, Path(folder) / "accepted"),
            stage(STORECAST_SMTP_URL=f"smtp+unix://{socket}?connections=8") as at,
        ):
            report(at)


def report(at: Stage) -> None:
    """The figures and the line."""
    runs, peak_mib = in_turns(at)
    bare, node, edge = (merged(runs[name]) for name in ("bare", "node", "edge"))
    acknowledged = len(edge.times_s) - edge.refused + max(1, min(N // ROUNDS, 2000))
    lost = acknowledged - scalar(at, "SELECT count(*) FROM webhook_inbox")
    for what, figures in (("HMAC only", bare), ("@shopify/shopify-api, in memory", node), ("edge", edge)):
        print(figures.line(what))
    with psycopg.connect(at.dsn) as connection:
        connection.execute("TRUNCATE webhook_inbox")
    beside = beside_a_campaign(at)
    print(beside.line(f"edge, {BESIDE_PER_S}/s beside a campaign"))
    finish(
        "webhooks",
        value=edge.rate,
        unit="deliveries/s on disk before the answer",
        reference="ASGI app under the same server that reads the body and computes the HMAC, requests/s",
        reference_value=bare.rate,
        peak_mib=peak_mib,
        marks=[
            Mark("ratio_to_bare", _ratio(runs["edge"], runs["bare"]), 0.40),
            Mark("p99_ms", edge.percentile_ms(0.99), 20, "<="),
            Mark("p50_ms", edge.percentile_ms(0.5), sense="<="),
            Mark("ratio_to_node", _ratio(runs["edge"], runs["node"]), 1),
            Mark(
                f"p99_ms at {BESIDE_PER_S}/s beside a running campaign", beside.percentile_ms(0.99), 50, "<="
            ),
            Mark("acknowledged_and_missing", lost, 0, "<="),
            Mark("refused", edge.refused + beside.refused, 0, "<="),
            Mark("client_busy", bare.client_busy, 0.9, "<="),
        ],
    )


def _ratio(ours: list[Figures], theirs: list[Figures]) -> float:
    """The middle one of the rounds': what disturbs one round does not count."""
    return statistics.median(one.rate / other.rate for one, other in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    main()
