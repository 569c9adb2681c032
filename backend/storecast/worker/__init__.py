"""Durable jobs: the outbox, the relay and the task base."""
