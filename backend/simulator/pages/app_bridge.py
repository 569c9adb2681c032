"""The App Bridge stand-in as the one classic script that an app's page loads."""

from __future__ import annotations

from simulator.pages.rendering import STATIC_DIR

# The order is that of use: each part may name what the parts before it define.
_PARTS = ("config", "channel", "session", "toast", "save-bar", "navigation", "start")


def app_bridge_source() -> str:
    """The parts inside one function, so that none of their names reaches the app's page."""
    parts = [(STATIC_DIR / "app-bridge" / f"{name}.js").read_text(encoding="utf-8") for name in _PARTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"
