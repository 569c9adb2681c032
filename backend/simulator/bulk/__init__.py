"""Bulk operations: a query over everything, run in the background, its result one JSONL file."""
