"""Names for the plain values that cross module borders."""

from typing import NewType

ShopId = NewType("ShopId", int)
