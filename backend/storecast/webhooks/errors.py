"""Facts about deliveries that stop an action."""

from storecast.kit.errors import NotFound


class DeliveryUnknown(NotFound):
    """The shop got no such delivery, or its time is over."""

    code = "delivery_unknown"
    title = "There is no such delivery"
