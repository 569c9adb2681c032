"""Rendering in a process that can be killed, for previews and the first rendering of every campaign."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, cast

WALL_S = 2.0
"""A rendering that takes longer is a bomb: a message takes well under a millisecond."""

START_S = 20.0
"""Loading the interpreter is not the template's fault, and a busy machine takes its time."""


class RenderingFailed(Exception):
    """The template of ``field`` does not render within its limits; the text says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Template:
    """A vetted source and how it escapes."""

    source: str
    html: bool


def render(templates: Mapping[str, Template], context: Mapping[str, Any]) -> dict[str, str]:
    """Render vetted templates against plain JSON data; raises RenderingFailed."""
    request = json.dumps(
        {
            "templates": {
                name: {"source": each.source, "html": each.html} for name, each in templates.items()
            },
            "context": context,
        }
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "storecast.messaging.preview_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": os.defpath},
        text=True,
    )
    with process:
        try:
            _wait_until_ready(process)
            answer, _ = process.communicate(request, timeout=WALL_S)
        except subprocess.TimeoutExpired as error:
            raise RenderingFailed("html", "The template takes too long to render.") from error
        finally:
            process.kill()
    if process.returncode != 0 or not answer:
        raise RenderingFailed("html", "The template takes too much time or memory to render.")
    result = json.loads(answer)
    if "error" in result:
        raise RenderingFailed(result["field"], result["error"])
    return cast(dict[str, str], result["texts"])


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    output = cast(IO[str], process.stdout)
    ready, _, _ = select.select([output], [], [], START_S)
    if not ready or output.readline() != "ready\n":
        raise RenderingFailed("html", "The preview process did not start.")
