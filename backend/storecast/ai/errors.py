"""What may be wrong with a request about suggestions."""

from storecast.kit.errors import NotFound


class MicroSegmentUnknown(NotFound):
    code = "micro_segment_unknown"
    title = "There is no such suggestion"
