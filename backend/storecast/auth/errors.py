"""Reasons why a sign-in does not go through."""

from storecast.kit.errors import Conflict, Forbidden, Unauthenticated


class SignInAbandoned(Unauthenticated):
    """The callback does not belong to a sign-in that this browser began a moment ago."""

    code = "sign_in_abandoned"
    title = "This sign-in was not started here or is too old; begin again"


class CrossSite(Forbidden):
    """A change that came with a session cookie but not from the app's own pages."""

    code = "cross_site"
    title = "The request does not come from the app's own pages"


class SwitchRefused(Conflict):
    """Inside the Shopify admin the store is the one whose admin it is."""

    code = "switch_refused"
    title = "Open the other store's admin to work in it"
