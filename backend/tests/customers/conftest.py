"""A shop that lives in a simulator and is installed in the test's database."""

from tests.sync.conftest import installed, shopify, worker

__all__ = ["installed", "shopify", "worker"]
