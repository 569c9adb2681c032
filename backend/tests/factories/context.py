"""What the task base hands to a job's body, without a worker around it."""

from contextlib import AbstractContextManager
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.worker.ledger import Claimed, Ledger
from storecast.worker.task import TaskContext


class Context(TaskContext):
    """A first attempt that nobody cancels; progress goes nowhere."""

    def __init__(self, shop_id: ShopId | None) -> None:
        self.shop = shop_id
        job = Claimed(
            id=uuid4(), shop_id=shop_id, name="tests", args={}, attempt=1, max_attempts=1, parent_id=None,
            root_id=None, batch_id=None, request_id=None, traceparent=None, enqueued_at=utcnow(), published_at=None,
        )  # fmt: skip
        super().__init__(job, Ledger("", "tests"))

    @property
    def job_id(self) -> UUID:
        return self._job.id

    def unit_of_work(self) -> AbstractContextManager[Session]:
        return platform_session() if self.shop is None else tenant_session(self.shop)

    def progress(self, done: int, total: int, note: str = "") -> None:
        return None

    def cancelled(self) -> bool:
        return False
