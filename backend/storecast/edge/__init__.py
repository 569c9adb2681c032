"""The hot paths: webhooks, pixel and tracking, acknowledged after commit."""
