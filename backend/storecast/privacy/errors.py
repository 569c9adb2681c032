"""What may be wrong with a request about privacy requests."""

from storecast.kit.errors import NotFound


class RequestUnknown(NotFound):
    code = "privacy_request_unknown"
    title = "There is no such privacy request"
