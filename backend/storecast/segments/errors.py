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


class SegmentInUse(Conflict):
    code = "segment_in_use"
    title = "Another segment asks for the members of this one"


class ListUnknown(NotFound):
    code = "customer_list_unknown"
    title = "There is no such list"


class ListNameTaken(Conflict):
    code = "customer_list_name_taken"
    title = "Another list has this name"


class ListInUse(Conflict):
    code = "customer_list_in_use"
    title = "A segment asks for the customers of this list"
