"""Every job that a merchant can meet in Tasks has words in the catalogue; the code of a job is no title."""

import importlib
import re
from pathlib import Path

from storecast.worker.job import Job

ROOT = Path(__file__).parents[3]
STORECAST = ROOT / "backend" / "storecast"
CATALOGUE = ROOT / "frontend" / "src" / "i18n" / "en" / "codes.ts"


def job_names() -> set[str]:
    """Names of all jobs that some module declares in its jobs.py."""
    for path in STORECAST.glob("*/jobs.py"):
        importlib.import_module(f"storecast.{path.parent.name}.jobs")
    return {job.name for job in Job.__subclasses__() if job.__module__.startswith("storecast.")}


def titled_names() -> set[str]:
    """Names that the English catalogue has words for; another test holds German to the same keys."""
    return set(re.findall(r'^  "jobs\.([a-z_.]+)":', CATALOGUE.read_text(), re.MULTILINE))


def test_every_job_has_a_title_in_the_catalogue() -> None:
    names = job_names()
    assert len(names) > 20, "the jobs were not found"
    missing = [f'"jobs.{name}"' for name in sorted(names - titled_names())]
    assert missing == [], f"{CATALOGUE.relative_to(ROOT)} has no words for {', '.join(missing)}"


def test_no_title_is_left_over() -> None:
    extra = [f'"jobs.{name}"' for name in sorted(titled_names() - job_names())]
    assert extra == [], f"{CATALOGUE.relative_to(ROOT)} has words for jobs that are gone: {', '.join(extra)}"
