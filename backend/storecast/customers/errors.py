"""Facts about customers that stop an action."""

from storecast.kit.errors import NotFound


class CustomerUnknown(NotFound):
    """The shop has no such customer."""

    code = "customer_unknown"
    title = "There is no such customer"
