"""What may be wrong with a request about a segment, besides its rules."""

from storecast.kit.errors import Conflict, NotFound, Unavailable


class SegmentUnknown(NotFound):
    code = "segment_unknown"
    title = "There is no such segment"


class SegmentNameTaken(Conflict):
    code = "segment_name_taken"
    title = "Another segment has this name"


class SegmentChanged(Conflict):
    code = "version_conflict"
    title = "Somebody changed the segment meanwhile"


class SegmentTooSlow(Unavailable):
    code = "segment_too_slow"
    title = "These rules take too long to count"
