"""Facts about a shop that stop an action."""

from storecast.kit.errors import Conflict, NotFound, NotNow, Permanent, Retryable


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


class ShopPaused(NotNow):
    """Shopify does not serve the shop: it is frozen, locked or closed."""

    code = "shop_paused"
    title = "Shopify has frozen or closed this store; work goes on by itself when the store is back"


class GrantAwaited(NotNow):
    """What a job does needs something that only the merchant can give: a scope, or a visit that renews the access."""

    code = "grant_awaited"
    title = "The store has to allow this first; the work goes on by itself when it does"


class ScopeMissing(Conflict):
    """The merchant has not allowed what a feature needs."""

    code = "scope_missing"
    title = "The store has not allowed this yet"
