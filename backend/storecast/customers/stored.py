"""What the shop has of customers and of Shopify's segments, to hand out whole."""

from storecast.db.stored import Stored

CUSTOMERS = Stored(
    "customers",
    (
        "gid",
        "email",
        "phone",
        "first_name",
        "last_name",
        "locale",
        "country",
        "province",
        "city",
        "tags",
        "email_state",
        "email_opt_in_level",
        "email_consent_at",
        "sms_state",
        "sms_opt_in_level",
        "sms_consent_at",
        "shopify_created_at AS created_at",
        "shopify_updated_at AS updated_at",
    ),
    person="gid",
)

SEGMENTS = Stored("shopify_segments", ("gid", "name", "query", "shopify_updated_at AS updated_at"))
