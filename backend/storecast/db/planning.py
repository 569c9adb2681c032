"""Settings of PostgreSQL's planner for single statements about which it cannot know enough."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session


@contextmanager
def planned(session: Session, settings: Mapping[str, str]) -> Iterator[None]:
    """Inside, statements are planned under these settings; the transaction's own are back afterwards."""
    names = list(settings)
    shown = ", ".join(f"current_setting('{name}')" for name in names)
    change = text("SELECT " + ", ".join(f"set_config('{name}', :{name}, true)" for name in names))
    before = dict(zip(names, session.execute(text(f"SELECT {shown}")).one(), strict=True))
    session.execute(change, settings)
    yield
    # After an error the transaction is rolled back, and the settings with it.
    session.execute(change, before)
