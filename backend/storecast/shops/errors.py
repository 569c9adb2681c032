"""Facts about a shop that stop an action."""

from storecast.kit.errors import NotFound, Permanent, Retryable


class ShopUnknown(NotFound):
    """No shop has this id or domain."""

    code = "shop_unknown"
    title = "This store has not installed Storecast"


class ReauthorizationNeeded(Permanent):
    """The shop's tokens no longer work; the merchant has to open the app once."""

    code = "reauthorization_needed"
    title = "Open Storecast in the Shopify admin to renew its access"


class TokenBusy(Retryable):
    """Another process is renewing the shop's token right now."""

    code = "token_busy"
    title = "The store's access is being renewed"


class ClientRefused(Retryable):
    """Shopify does not know the app by its own credentials in this shop."""

    code = "client_refused"
    title = "Shopify does not accept the app's own credentials"
