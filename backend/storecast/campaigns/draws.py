"""Lots drawn by hash: the same person draws the same lot at every count and at every freeze, in PostgreSQL."""

from enum import IntEnum

from sqlalchemy import ColumnElement, func


class Lot(IntEnum):
    """What is drawn for; lots of one campaign do not depend on one another."""

    HOLDOUT = 0
    TEST = 1
    VERSION = 2
    TURN = 3


def draw(customer_id: ColumnElement[int], campaign_id: int, lot: Lot, sides: int) -> ColumnElement[int]:
    """A number from 0 to ``sides`` - 1."""
    return draw_by(customer_id, campaign_id + (lot << 48), sides)


def draw_by(customer_id: ColumnElement[int], seed: int, sides: int) -> ColumnElement[int]:
    """The same by a seed of one's own."""
    # The remainder first: the absolute value of the smallest integer does not exist.
    return func.abs(func.hashint8extended(customer_id, seed) % sides)
