"""What one run of the simulator is told on its command line: immutable, the only source of addresses and secrets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_SHOP_DOMAIN = "cdnow.myshopify.com"
DEFAULT_SHOP_NAME = "CDNOW Records"
API_VERSION = "2026-10"

WEBHOOK_BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0)
"""Eight retries as on Shopify, minutes instead of hours so that a demo can watch them."""


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """Addresses, credentials and seed of one simulated platform."""

    port: int
    state_dir: Path
    client_id: str
    client_secret: str
    app_url: str
    webhook_url: str
    app_toml: Path | None = None
    pixel_bundle: Path | None = None
    host: str = "127.0.0.1"
    smtp_host: str = "127.0.0.1"
    smtp_port: int | None = None
    smtp_socket: Path | None = None
    seed: str = "cdnow"
    """`cdnow`, `generated` or `folder:PATH`."""
    customers: int = 2_000
    """How many customers a generated store gets."""
    shop_domain: str = DEFAULT_SHOP_DOMAIN
    shop_name: str = DEFAULT_SHOP_NAME
    access_token_lifetime_s: int = 3_600
    refresh_token_lifetime_s: int = 90 * 86_400
    webhook_timeout_s: float = 5.0
    webhook_backoff_s: tuple[float, ...] = WEBHOOK_BACKOFF_S
    bulk_step_delay_s: float = 0.05
    """How long a bulk operation stays CREATED before it runs."""
    throttle_restore_rate: float | None = None
    """Points a second that refill each bucket; by default what the shop's plan gives."""

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def database_path(self) -> Path:
        return self.state_dir / "simulator.sqlite3"

    def shop_origin(self, shop_domain: str) -> str:
        """Where the app finds this shop's Admin API and OAuth pages."""
        return f"{self.base_url}/{shop_domain}"

    def storefront_url(self, shop_domain: str) -> str:
        return f"{self.base_url}/shop/{shop_domain}"
