"""What follows the import of a shop's data: the workflow ``store.refresh``.

The facts about customers come first, since segments ask for them; then the run is closed and the segments are counted,
side by side. Segments are suggested last, so that the counts that people wait for do not wait for a model.
"""

from typing import Any

from storecast.sync.jobs import FinishSync

NAME = "store.refresh"


def definition(sync_run_id: int) -> dict[str, Any]:
    """The graph for one run. Other modules' jobs are named as the ledger names them: they are above this one."""
    return {
        "name": NAME,
        "nodes": [
            {"key": "facts", "job": "orders.rescore_customers"},
            {
                "key": "close",
                "job": FinishSync.name,
                "args": FinishSync(sync_run_id).payload(),
                "needs": ["facts"],
            },
            {
                "key": "segments",
                "job": "segments.recount_segment",
                "needs": ["facts"],
                "fan_out": {"over": "segments.all", "as": "segment_id"},
            },
            {"key": "micro_segments", "job": "ai.find_micro_segments", "needs": ["segments"]},
        ],
    }
