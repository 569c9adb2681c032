"""Facts about orders that stop an action."""

from storecast.kit.errors import NotFound


class OrderUnknown(NotFound):
    """The shop has no such order."""

    code = "order_unknown"
    title = "There is no such order"
