"""Delivers webhooks: signed, with every header, retried with the same id until the app answers 2xx or the curve ends.

A delivery is a row before it is a request, so a restart of the simulator loses none. Order is not promised; in the
quiet case deliveries leave in the order in which they were triggered, a few at a time.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx

from simulator.app_manifest import API_ONLY_TOPICS, COMPLIANCE_TOPICS, AppManifest
from simulator.config import SimulatorConfig
from simulator.state.records import Delivery, Shop
from simulator.store import Store

BATCH = 64
CONCURRENT = 16
IDLE_POLL_S = 1.0


def signature(body: bytes, secret: str) -> str:
    """Base64 of the HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


class Webhooks:
    """`send` from any thread; a task of the server's loop delivers."""

    def __init__(self, config: SimulatorConfig, store: Store, manifest: AppManifest) -> None:
        self._config = config
        self._store = store
        self._manifest = manifest
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def send(
        self, topic: str, shop: Shop, body: dict[str, Any], *, event_id: str | None = None
    ) -> str | None:
        """Queue one webhook; None when the app subscribed to no such topic or a fault drops it.

        Subscriptions hold only while the app is installed; uninstall and the privacy topics come after its end.
        """
        if topic not in self._manifest.topics and not self._asked_for(topic, shop, body):
            return None
        outlives_install = topic == "app/uninstalled" or topic in COMPLIANCE_TOPICS
        if not outlives_install and self._store.access.find_installation(shop.id) is None:
            return None
        return self.force(topic, shop.domain, body, event_id=event_id)

    def _asked_for(self, topic: str, shop: Shop, body: dict[str, Any]) -> bool:
        """Whether the app subscribed to this through the API; a filter names the segment."""
        found = self._store.documents.list_documents(shop.id, "WebhookSubscription")
        subscriptions = [each.fields() for each in found]
        return topic in API_ONLY_TOPICS and any(
            each["topic"] == topic.replace(".", "_").upper()
            and (not each["filter"] or f'"{body["segment_id"]}"' in each["filter"])
            for each in subscriptions
        )

    def force(
        self, topic: str, shop_domain: str, body: dict[str, Any], *, event_id: str | None = None
    ) -> str | None:
        """Queue one webhook whatever the app subscribed to."""
        faults = self._store.faults
        dropped = faults.bites("drop")
        webhook_id = str(uuid.uuid4())
        self._store.deliveries.add(
            webhook_id=webhook_id,
            event_id=event_id or str(uuid.uuid4()),
            topic=topic,
            shop_domain=shop_domain,
            body=json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
            state="dropped" if dropped else "waiting",
            copies=1 + faults.duplicate,
        )
        if self._loop is not None:
            with suppress(
                RuntimeError
            ):  # the loop closed between the check and the call: the next start delivers
                self._loop.call_soon_threadsafe(self._wake.set)
        return None if dropped else webhook_id

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        self._wake.set()
        async with httpx.AsyncClient(timeout=self._config.webhook_timeout_s, trust_env=False) as client:
            task = asyncio.create_task(self._deliver_forever(client))
            try:
                yield
            finally:
                self._loop = None
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _deliver_forever(self, client: httpx.AsyncClient) -> None:
        slots = asyncio.Semaphore(CONCURRENT)
        while True:
            self._wake.clear()
            due = self._store.deliveries.list_due(BATCH)
            if not due:
                await self._sleep()
                continue
            if self._store.faults.reorder:
                due.reverse()
            outcomes = await asyncio.gather(*(self._attempt(client, slots, delivery) for delivery in due))
            self._store.deliveries.record_attempts(outcomes)

    async def _sleep(self) -> None:
        next_at = self._store.deliveries.next_due_at()
        wait_s = IDLE_POLL_S if next_at is None else min(IDLE_POLL_S, max(0.0, next_at - time.time()))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait_s)

    async def _attempt(
        self, client: httpx.AsyncClient, slots: asyncio.Semaphore, delivery: Delivery
    ) -> tuple[str, int, float, int | None, str | None, int]:
        status: int | None = None
        error: str | None = None
        async with slots:
            for _ in range(delivery.copies):
                try:
                    answer = await client.post(
                        self._config.webhook_url, content=delivery.body, headers=self.headers(delivery)
                    )
                    status, error = answer.status_code, None
                except httpx.HTTPError as problem:
                    status, error = None, type(problem).__name__
        attempts = delivery.attempts + 1
        if status is not None and 200 <= status < 300:
            return "delivered", attempts, time.time(), status, None, delivery.id
        curve = self._config.webhook_backoff_s
        if attempts > len(curve):
            return "failed", attempts, time.time(), status, error, delivery.id
        return "waiting", attempts, time.time() + curve[attempts - 1], status, error, delivery.id

    def headers(self, delivery: Delivery) -> dict[str, str]:
        secret = self._config.client_secret
        if self._store.faults.bites("webhook_bad_hmac"):
            secret += "-wrong"
        return {
            "Content-Type": "application/json",
            "User-Agent": "Shopify-Captain-Hook",
            "X-Shopify-Topic": delivery.topic,
            "X-Shopify-Hmac-Sha256": signature(delivery.body, secret),
            "X-Shopify-Shop-Domain": delivery.shop_domain,
            "X-Shopify-API-Version": self._manifest.api_version,
            "X-Shopify-Webhook-Id": delivery.webhook_id,
            "X-Shopify-Triggered-At": delivery.triggered_at,
            "X-Shopify-Event-Id": delivery.event_id,
        }
