"""Facts about customers that stop an action."""

from storecast.kit.errors import Conflict, NotFound


class CustomerUnknown(NotFound):
    """The shop has no such customer."""

    code = "customer_unknown"
    title = "There is no such customer"


class WriteUnknown(NotFound):
    """The shop has no such write."""

    code = "customer_write_unknown"
    title = "There is no such change of customers"


class TooManyCustomers(Conflict):
    """More customers than one write takes; ``most`` says how many."""

    code = "too_many_customers"
    title = "That is more customers than one change takes"


class ContactImportUnknown(NotFound):
    """The shop has no such import."""

    code = "contact_import_unknown"
    title = "There is no such import of contacts"


class ContactImportState(Conflict):
    """What was asked does not fit how far the import is; ``state`` says how far."""

    code = "contact_import_state"
    title = "The import is not at that point"


class CreditNotShown(Conflict):
    """Shopify names no balance although the scope is there: the app is not approved for the customer's data."""

    code = "store_credit_not_shown"
    title = "Shopify does not show the store credit"
