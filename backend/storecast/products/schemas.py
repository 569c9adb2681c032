"""API shapes of products."""

from pydantic import BaseModel

from storecast.kit.money import Money


class ProductRow(BaseModel):
    """A product in a list; ``price`` is the lowest among its variants."""

    gid: str
    title: str
    image_url: str | None
    price: Money
