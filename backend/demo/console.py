"""What a person sees while the demo starts and runs: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel


@dataclass(slots=True)
class Step:
    """One line of progress; `note` says what was found or done."""

    name: str
    note: str = ""


class DemoConsole:
    """Writes to stderr, so that stdout stays free for what a script reads."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._rich = Console(stderr=True, highlight=False, quiet=quiet)
        self._live = self._rich.is_terminal and not quiet

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Shows that the step runs, then how long it took; a failure is shown by whoever catches it."""
        step, begun = Step(name), time.monotonic()
        if self._live:
            with self._rich.status(f"{escape(name)} …"):
                yield step
        else:
            yield step
        note = f"  [dim]{escape(step.note)}[/dim]" if step.note else ""
        self._print(f"[green]✓[/green] {escape(name):<34} {time.monotonic() - begun:5.1f} s{note}")

    def say(self, text: str) -> None:
        self._print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {escape(text)}")

    def warn(self, text: str) -> None:
        self._print(f"[yellow]![/yellow] {escape(text)}")

    def fail(self, problem: str) -> None:
        first, *rest = problem.splitlines() or ["failed"]
        self._print("\n".join([f"[bold red]✗ {escape(first)}[/bold red]", *map(escape, rest)]))

    def ready(self, address: str, lines: list[str]) -> None:
        body = "\n".join([f"[bold]Open {escape(address)}[/bold]", "", *map(escape, lines)])
        if self._live:
            self._rich.print(Panel(body, title="Storecast is ready", expand=False, padding=(1, 3)))
        else:
            self._print(f"\nStorecast is ready. {body}\n")

    def _print(self, text: str) -> None:
        self._rich.print(text, soft_wrap=True)
        sys.stderr.flush()
