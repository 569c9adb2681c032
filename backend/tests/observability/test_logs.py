"""Logs are one JSON event a line, with the ids that the context bound."""

import json
import os
import subprocess
import sys
from pathlib import Path

BACKEND = Path(__file__).parents[2]

PROGRAM = """
import logging
import structlog
from storecast.observability import logs

logs.configure("tests")
log = structlog.get_logger("storecast.example")
with structlog.contextvars.bound_contextvars(request_id="r1", shop_id=7):
    log.info("thing_done", count=3)
    logging.getLogger("library").warning("plain words")
    logging.getLogger("httpx").info("GET https://signed.example/?token=secret")
try:
    raise ValueError("no")
except ValueError as error:
    log.error("thing_failed", exc_info=error)
"""


def test_events_carry_the_bound_ids_and_libraries_speak_the_same_form() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=BACKEND,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    done, library, failed = map(json.loads, ran.stderr.splitlines())

    assert (done["event"], done["count"], done["request_id"], done["shop_id"], done["process"]) == (
        "thing_done", 3, "r1", 7, "tests",
    )  # fmt: skip
    assert (library["event"], library["logger"], library["request_id"]) == ("plain words", "library", "r1")
    assert failed["level"] == "error"
    assert "ValueError: no" in failed["exception"]
    assert "signed.example" not in ran.stderr
