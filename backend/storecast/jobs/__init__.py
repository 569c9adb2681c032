"""The console over live and finished jobs."""
