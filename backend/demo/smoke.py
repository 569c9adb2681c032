"""The main job from install to attributed revenue, over HTTP against a running demo; `make smoke` starts one.

Every figure that Storecast shows is compared with one that it did not compute: the data set's published totals, the
simulator's own store, the mail catcher's count. The last line on stdout is the result as JSON.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as dt_time
from html import unescape
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import httpx

from demo.console import DemoConsole
from demo.visit import FIREFOX, PageUnreadable, Visit

CDNOW = {"customers": 23_570, "orders": 69_659, "revenue_minor": 250_031_563}
"""The data set's totals as its authors published them (Fader and Hardie, CDNOW master data)."""
ADMIN = "https://admin.shopify.com"
SHOP_ZONE = ZoneInfo("America/New_York")
QUIET_DAYS = 90
LEAST_ORDERS = 2
TOKEN_USE_S = 40.0
"""ID tokens live 60 s; one is used for at most this long."""
SYNC_DEADLINE_S = 300.0
SEND_DEADLINE_S = 300.0
ATTRIBUTION_DEADLINE_S = 60.0
READING = timedelta(seconds=2)
"""Nobody follows a link in the second in which the message arrives; what does so is taken for a scanner."""
FLEET = {"api": 1, "edge": 1, "relay": 1, "worker": 4, "beat": 1}
RULES = {
    "op": "and",
    "rules": [
        {"field": "orders_count", "operator": "gte", "value": LEAST_ORDERS},
        {"field": "last_order_at", "operator": "not_in_last_days", "value": QUIET_DAYS},
        {"field": "email_subscription", "operator": "is", "value": "subscribed"},
    ],
}


Found = TypeVar("Found")


class SmokeFailed(Exception):
    """Something is not as it must be."""


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise SmokeFailed(f"{what} is {found!r}, not {wanted!r}")


def wait_for(what: str, look: Callable[[], Found | None], deadline_s: float) -> Found:
    end = time.monotonic() + deadline_s
    while (found := look()) is None:
        if time.monotonic() > end:
            raise SmokeFailed(f"{what}: not within {deadline_s:.0f} s")
        time.sleep(0.25)
    return found


class IdTokens(httpx.Auth):
    """Bears the ID token that the simulated admin mints, as App Bridge does in the browser."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._token, self._minted_at = "", float("-inf")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self.current()}"
        yield request

    def current(self) -> str:
        if time.monotonic() - self._minted_at > TOKEN_USE_S:
            answer = httpx.get(self.address).raise_for_status()
            self._token, self._minted_at = answer.json()["token"], time.monotonic()
        return self._token


@dataclass(slots=True)
class Demo:
    """The addresses of a running demo, and the app's API as its page in the admin calls it."""

    url: str
    api_url: str
    edge_url: str
    shop: str
    app_handle: str
    store_file: str
    tokens: IdTokens
    api: httpx.Client

    @classmethod
    def from_environment(cls) -> Demo:
        def named(name: str) -> str:
            return os.environ[f"STORECAST_DEMO_{name}"]

        tokens = IdTokens(f"{named('URL')}/store/{named('SHOP')}/id-token")
        return cls(
            url=named("URL"),
            api_url=named("API_URL"),
            edge_url=named("EDGE_URL"),
            shop=named("SHOP"),
            app_handle=named("APP_HANDLE"),
            store_file=named("STORE_FILE"),
            tokens=tokens,
            api=httpx.Client(base_url=f"{named('API_URL')}/api/v1", auth=tokens, timeout=30),
        )

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the app's API; any answer but a success is a failure with its problem document."""
        answer = self.api.request(method, path, json=body)
        if answer.is_error:
            raise SmokeFailed(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json() if answer.content else None

    def simulator(self, path: str) -> Any:
        return httpx.get(f"{self.url}{path}", timeout=30).raise_for_status().json()


@dataclass(slots=True)
class Smoke:
    """The steps in order; each uses what the ones before it found."""

    demo: Demo
    result: dict[str, Any] = field(default_factory=dict)
    campaign_id: str = ""
    customer: dict[str, Any] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    arrived_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)  # immutable

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("Install the app", self.install),
            ("First sync", self.sync),
            ("Segment", self.segment),
            ("Send a campaign", self.send),
            ("Mail", self.mail),
            ("Click, buy, attribute", self.buy),
            ("Tasks and workers", self.console),
        ]

    def install(self) -> str:
        """As the admin does: install, open the app's page in its frame, then let it call its API."""
        demo = self.demo
        answer = httpx.post(f"{demo.url}/store/{demo.shop}/install")
        expect("the answer to the installation", answer.status_code, 303)
        host = (
            base64.b64encode(f"admin.shopify.com/store/{demo.shop.split('.')[0]}".encode())
            .decode()
            .rstrip("=")
        )
        query = {"embedded": "1", "shop": demo.shop, "host": host, "id_token": demo.tokens.current()}
        page = httpx.get(f"{demo.api_url}/", params=query)
        expect("the app's page", (page.status_code, page.headers["content-type"][:9]), (200, "text/html"))
        policy = page.headers["content-security-policy"]
        frames = next(part for part in policy.split(";") if part.split()[0] == "frame-ancestors").split()[1:]
        expect("who may frame the page", set(frames), {f"https://{demo.shop}", ADMIN, demo.url})
        expect("a call without a token", httpx.get(f"{demo.api_url}/api/v1/session").status_code, 401)
        session = demo.ask("GET", "/session")
        expect("the shop of the session", session["shop"]["domain"], demo.shop)
        settings = demo.ask("GET", "/settings")
        expect("the missing scopes", settings["scopes"]["missing"], [])
        if not settings["token"]["expires_at"]:
            raise SmokeFailed("the offline token does not expire")
        return f"as {session['user']['email']}"

    def sync(self) -> str:
        """It started by itself; its totals are the data set's."""

        def finished() -> dict[str, Any] | None:
            runs = self.demo.ask("GET", "/syncs")["items"]
            if runs and runs[0]["state"] in ("failed", "cancelled"):
                raise SmokeFailed(f"the first sync {runs[0]['state']}: {runs[0]['error']}")
            return runs[0] if runs and runs[0]["state"] == "done" else None

        run = wait_for("the first sync", finished, SYNC_DEADLINE_S)
        expect("the refused rows", sum(part["rows_refused"] for part in run["resources"]), 0)
        totals = self.demo.ask("GET", "/home")["totals"]
        found = {"customers": totals["customers"], "orders": totals["orders"]}
        expect("the totals", found | {"revenue_minor": totals["revenue"]["amount_minor"]}, CDNOW)
        expect("the products", totals["products"], self.count("SELECT count(*) FROM products"))
        subscribed = "SELECT count(*) FROM customers WHERE email_state = 'SUBSCRIBED'"
        expect("the subscribed customers", totals["subscribed"], self.count(subscribed))
        self.result |= found
        return f"{totals['customers']:,} customers, {totals['orders']:,} orders"

    def segment(self) -> str:
        before = self.expected_audience()
        preview = self.demo.ask("POST", "/segments/preview", {"rules": RULES})
        saved = self.demo.ask("POST", "/segments", {"name": f"Smoke {time.time():.0f}", "rules": RULES})
        # Midnight may pass while this runs, so either count may be the right one.
        if preview["count"] not in (before, self.expected_audience()) or not preview["sample"]:
            raise SmokeFailed(f"the segment counts {preview['count']}, the store says {before}")
        expect("the total of the preview", preview["total"], CDNOW["customers"])
        self.result["audience"] = preview["count"]
        self.customer = preview["sample"][0]
        self.campaign_id = self.create_campaign(saved["id"])
        return f"{preview['count']:,} members, counted in {preview['took_ms']} ms"

    def create_campaign(self, segment_id: str) -> str:
        template = self.demo.ask("GET", "/templates")[0]
        draft = self.demo.ask("POST", "/campaigns", {"name": "Smoke", "template_key": template["key"]})
        changes = {"version": draft["version"], "segment_id": segment_id, "subject": "Good to see you again"}
        changed = self.demo.ask("PATCH", f"/campaigns/{draft['id']}", changes)
        stale = self.demo.api.patch(f"/campaigns/{draft['id']}", json=changes)
        expect(
            "an edit of a stale version", (stale.status_code, stale.json()["code"]), (409, "version_conflict")
        )
        expect("the subject", changed["subject"], changes["subject"])
        return str(draft["id"])

    def send(self) -> str:
        path = f"/campaigns/{self.campaign_id}"
        self.demo.ask("PUT", "/settings/sender", {"name": "CDNOW Records", "email": "news@cdnow.example"})
        self.demo.ask("POST", "/settings/pixel/activate")
        preview = self.demo.ask("POST", f"{path}/preview", {"customer_id": self.customer["id"]})
        expect("the customer of the preview", preview["customer"]["id"], self.customer["id"])
        test = self.demo.ask("POST", f"{path}/test", {"email": "owner@cdnow.example"})
        expect("the test mail", test["accepted"], True)
        audience = self.demo.ask("GET", f"{path}/audience")
        expect("the members", audience["members"], self.result["audience"])
        excluded = sum(exclusion["count"] for exclusion in audience["exclusions"])
        expect("recipients and excluded", audience["recipients"] + excluded, audience["members"])
        stops = [
            check for check in self.demo.ask("GET", f"{path}/gate")["checks"] if check["level"] == "stop"
        ]
        expect("what stops the sending", stops, [])
        begun = time.monotonic()
        self.demo.ask("POST", f"{path}/send", {"confirm_recipients": audience["recipients"]})
        report = wait_for("the sending", self.sent_report, SEND_DEADLINE_S)
        took_s = time.monotonic() - begun
        counts = report["counts"]
        expect("the accepted", counts["accepted"], audience["recipients"])
        expect("not accepted", [counts[state] for state in ("pending", "failed", "unknown")], [0, 0, 0])
        self.result["accepted"] = counts["accepted"]
        return f"{counts['accepted']:,} accepted in {took_s:.1f} s"

    def sent_report(self) -> dict[str, Any] | None:
        report: dict[str, Any] = self.demo.ask("GET", f"/campaigns/{self.campaign_id}/report")
        if report["state"] in ("failed", "paused", "cancelled"):
            raise SmokeFailed(f"the campaign {report['state']}: {report['errors']}")
        return report if report["state"] == "sent" else None

    def mail(self) -> str:
        """What the catcher holds: one message a recipient, each with its unsubscribe and tracked links."""
        messages = self.caught()
        tests = [message for message in messages if "owner@cdnow.example" in message["recipients"]]
        expect("the caught test mails", len(tests), 1)
        sent_to = [
            address for message in messages if message not in tests for address in message["recipients"]
        ]
        expect("the caught messages", len(sent_to), self.result["accepted"])
        self.result["duplicates"] = len(sent_to) - len(set(sent_to))
        expect("the duplicates", self.result["duplicates"], 0)
        mine = next(message for message in messages if self.customer["email"] in message["recipients"])
        self.arrived_at = datetime.fromisoformat(mine["received_at"])
        content = self.demo.simulator(f"/control/mail/{mine['id']}")
        tracked = rf"{re.escape(self.demo.edge_url)}/c/[\w-]+/\d+(?:/[\w-]+)?"
        self.links = [unescape(link) for link in re.findall(tracked, content["html"])]
        if not self.links or f"{self.demo.edge_url}/u/" not in json.dumps(content):
            raise SmokeFailed("a message lacks tracked links or a way to unsubscribe")
        return f"{len(sent_to):,} messages, {len(self.links)} tracked links each"

    def caught(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        before = ""
        while page := self.demo.simulator(f"/control/mail?limit=1000{before}")["messages"]:
            messages += page
            before = f"&before={page[-1]['id']}"
        return messages

    def buy(self) -> str:
        """Follow the message to the shop, report what the pixel would, and place an order."""
        wait_for("the reading of the message", self.read_by_now, SEND_DEADLINE_S)
        landing = self.follow(self.links[0])
        with closing(Visit(landing, f"{self.demo.edge_url}/pixel/v1/events")) as visit:
            token = visit.buy(self.customer["email"])
        orders = self.demo.simulator(f"/control/orders?shop={self.demo.shop}")
        order = next(order for order in orders if order["checkout_token"] == token)
        report = wait_for(
            "the attribution", lambda: self.attributed(order["total_minor"]), ATTRIBUTION_DEADLINE_S
        )
        report = wait_for("the judged click", self.click_judged, ATTRIBUTION_DEADLINE_S)
        expect("the human clicks", report["clicks"]["human"], 1)
        expect("the funnel", {s["step"]: s["people"] for s in report["funnel"]}["ordered"], 1)
        overview = self.demo.ask("GET", "/analytics/overview?days=30")
        expect(
            "the attributed revenue of 30 days", overview["attributed"]["amount_minor"], order["total_minor"]
        )
        steps = {step["step"]: step["sessions"] for step in overview["funnel"]}
        expect("the storefront funnel", steps, dict.fromkeys(steps, 1))
        totals = self.demo.ask("GET", "/home")["totals"]
        expect("the orders", totals["orders"], CDNOW["orders"] + 1)
        expect(
            "the revenue", totals["revenue"]["amount_minor"], CDNOW["revenue_minor"] + order["total_minor"]
        )
        self.result |= {
            "clicks": report["clicks"]["human"],
            "attributed_orders": report["orders"],
            "attributed_revenue": report["revenue"]["amount_minor"] / 100,
        }
        return f"{order['name']} brought {report['revenue']['amount_minor'] / 100:,.2f} USD"

    def read_by_now(self) -> bool | None:
        """True once a person may have read the message."""
        return datetime.now(UTC) - self.arrived_at > READING or None

    def follow(self, link: str) -> str:
        answer = httpx.get(link, headers={"User-Agent": FIREFOX})
        expect("the answer to a click", answer.status_code, 302)
        landing = answer.headers["location"]
        query = parse_qs(urlsplit(landing).query)
        expect("the source of the visit", query["utm_source"], ["storecast"])
        expect(
            "the click token of the visit",
            query["sc_click"],
            [link.split("/c/")[1].split("/", maxsplit=1)[0]],
        )
        return str(landing)

    def attributed(self, total_minor: int) -> dict[str, Any] | None:
        report: dict[str, Any] = self.demo.ask("GET", f"/campaigns/{self.campaign_id}/report")
        if report["orders"] == 0:
            return None
        expect("the attributed orders", report["orders"], 1)
        expect("the attributed revenue", report["revenue"]["amount_minor"], total_minor)
        return report

    def click_judged(self) -> dict[str, Any] | None:
        """The report once somebody or something is known to have clicked."""
        report: dict[str, Any] = self.demo.ask("GET", f"/campaigns/{self.campaign_id}/report")
        return report if report["clicks"]["human"] + report["clicks"]["machine"] else None

    def console(self) -> str:
        """The pages of tasks and workers: everything ran, nothing is dead, everybody beats."""

        def idle() -> dict[str, int] | None:
            states: dict[str, int] = self.demo.ask("GET", "/jobs/summary")["states"]
            return states if not any(states[name] for name in ("staged", "queued", "running")) else None

        states = wait_for("the queues to empty", idle, ATTRIBUTION_DEADLINE_S)
        expect("the dead jobs", states["dead"], 0)
        names = {job["name"].split(".")[0] for job in self.demo.ask("GET", "/jobs")["items"]}
        processes = self.demo.ask("GET", "/workers")["processes"]
        kinds = [process["kind"] for process in processes if process["state"] == "ok"]
        expect("the processes at work", {kind: kinds.count(kind) for kind in FLEET}, FLEET)
        return f"{states['succeeded_24h']} jobs of {', '.join(sorted(names))}; {len(kinds)} processes"

    def count(self, query: str, *values: object) -> int:
        """Ask the simulated store itself, past every API."""
        with closing(sqlite3.connect(f"file:{self.demo.store_file}?mode=ro", uri=True)) as store:
            return int(store.execute(query, values).fetchone()[0])

    def expected_audience(self) -> int:
        """Days are those of the shop's calendar: quiet since the midnight that began the day 90 days ago."""
        today = datetime.now(SHOP_ZONE).date()
        quiet_since = datetime.combine(today - timedelta(days=QUIET_DAYS), dt_time(), SHOP_ZONE)
        query = """
            SELECT count(*) FROM customers
            WHERE email_state = 'SUBSCRIBED'
              AND (SELECT count(*) FROM orders WHERE customer_id = customers.id) >= ?
              AND (SELECT max(created_at) FROM orders WHERE customer_id = customers.id) < ?
        """
        since = quiet_since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.count(query, LEAST_ORDERS, since)


def main() -> int:
    console = DemoConsole()
    begun = time.monotonic()
    smoke = Smoke(Demo.from_environment())
    for name, act in smoke.steps():
        try:
            with console.step(name) as step:
                step.note = act()
        except (SmokeFailed, PageUnreadable, httpx.HTTPError, KeyError, IndexError, StopIteration) as error:
            console.fail(f"{name}: {error!r}\nlogs: {os.environ['STORECAST_DEMO_LOGS']}")
            print(json.dumps({"smoke": "failed", "step": name, **smoke.result}))
            return 1
    print(json.dumps({"smoke": "ok", **smoke.result, "seconds": round(time.monotonic() - begun, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
