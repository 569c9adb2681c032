"""What code that calls Shopify is given in place of a session: it opens a transaction before and after the call."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

UnitOfWork = Callable[[], AbstractContextManager[Session]]
