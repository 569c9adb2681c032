"""What the shop has of products, variants and collections, to hand out whole."""

from storecast.db.stored import Stored

PRODUCTS = Stored(
    "products",
    (
        "gid",
        "title",
        "handle",
        "vendor",
        "product_type",
        "status",
        "tags",
        "image_url",
        "price_minor",
        "currency",
        "shopify_updated_at AS updated_at",
    ),
)

VARIANTS = Stored(
    "product_variants",
    ("gid", "product_gid", "title", "sku", "price_minor", "CAST(:currency AS text) AS currency"),
)

COLLECTIONS = Stored("collections", ("gid", "title", "handle", "shopify_updated_at AS updated_at"))
