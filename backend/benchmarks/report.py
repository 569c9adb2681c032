"""How a benchmark ends: a table for people, then one JSON line for machines."""

import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Mark:
    """One figure and, where one is set, its goal."""

    name: str
    value: float
    goal: float | None = None
    sense: Literal[">=", "<="] = ">="


def finish(
    bench: str,
    *,
    value: float,
    unit: str,
    reference: str,
    reference_value: float,
    peak_mib: float,
    marks: list[Mark],
) -> None:
    """Print the table and the line. The figures are reported, not judged."""
    width = max(len(mark.name) for mark in marks)
    print()
    for mark in marks:
        goal = f"   goal {mark.sense} {mark.goal:,.6g}" if mark.goal is not None else ""
        print(f"  {mark.name:<{width}}  {mark.value:>14,.2f}{goal}")
    line = {
        "bench": bench,
        "value": round(value, 3),
        "unit": unit,
        "reference": reference,
        "reference_value": round(reference_value, 3),
        "ratio": round(value / reference_value, 4) if reference_value else None,
        "peak_mib": round(peak_mib, 1),
        "marks": [asdict(mark) for mark in marks],
    }
    print(json.dumps(line), flush=True)
