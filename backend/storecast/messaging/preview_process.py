"""The process that renders what nobody has vetted by running it: `python -m storecast.messaging.preview_process`.

Reads one JSON request from standard input and writes one JSON answer, under limits on memory and CPU time that it
puts on itself before it reads anything. Its environment holds no secret.
"""

import json
import resource
import sys
from typing import Any

from jinja2 import TemplateError

from storecast.messaging import sandbox

MEMORY_BYTES = 256 * 1024 * 1024
CPU_S = 2


def render_all(request: dict[str, Any]) -> dict[str, Any]:
    """Render each template of the request; the first that fails is the answer."""
    texts = {}
    for name, template in request["templates"].items():
        try:
            texts[name] = sandbox.render(template["source"], request["context"], html=template["html"])
        except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
            return {"field": name, "error": f"{error}"[:300] or type(error).__name__}
        except (MemoryError, RecursionError):
            return {"field": name, "error": "The template needs too much memory."}
    return {"texts": texts}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    json.dump(render_all(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
