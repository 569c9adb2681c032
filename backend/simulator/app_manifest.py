"""What the app declared to the platform in `shopify.app.toml`: scopes, redirect addresses, webhook topics."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

API_ONLY_TOPICS = frozenset({"customer.joined_segment", "customer.left_segment"})
"""The platform takes subscriptions to these through its API, and refuses to deploy an app that declares them."""

COMPLIANCE_TOPICS = ("customers/data_request", "customers/redact", "shop/redact")


@dataclass(frozen=True, slots=True)
class AppManifest:
    name: str
    handle: str
    scopes: tuple[str, ...]
    redirect_urls: tuple[str, ...]
    api_version: str
    topics: frozenset[str]

    @classmethod
    def load(cls, path: Path) -> AppManifest:
        return cls.parse(tomllib.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, document: dict[str, Any]) -> AppManifest:
        webhooks = document.get("webhooks", {})
        topics: set[str] = set()
        for subscription in webhooks.get("subscriptions", []):
            topics.update(subscription.get("topics", []))
            topics.update(subscription.get("compliance_topics", []))
        if refused := topics & API_ONLY_TOPICS:
            raise ValueError(f"not for the app's configuration: {', '.join(sorted(refused))}")
        scopes = document.get("access_scopes", {}).get("scopes", "")
        name = document.get("name", "App")
        return cls(
            name=name,
            handle=document.get("handle") or name.lower().replace(" ", "-"),
            scopes=tuple(scope.strip() for scope in scopes.split(",") if scope.strip()),
            redirect_urls=tuple(document.get("auth", {}).get("redirect_urls", [])),
            api_version=webhooks.get("api_version", "2026-10"),
            topics=frozenset(topics),
        )


EMPTY = AppManifest("App", "app", (), (), "2026-10", frozenset())
