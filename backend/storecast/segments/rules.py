"""Rule trees: their shape, their limits, and the reading of each condition's value.

`parse` is the only door: a tree that it returns names known fields, fits the limits and carries values of the
right type. Whatever is wrong is told with a JSON pointer into the request.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    JsonValue,
    Tag,
    TypeAdapter,
    ValidationError,
)

from storecast.kit.errors import FieldError, Invalid
from storecast.kit.money import to_minor
from storecast.segments.fields import FIELDS, MAX_TIMES, Field, Subject

MAX_DEPTH = 6
"""Nested and/or/not levels: more than a person can read in a rule builder."""

MAX_CONDITIONS = 50
"""Bounds the size of the compiled statement, and with it its planning time."""

MAX_DAYS = 3650
MAX_TEXT_LENGTH = 255
MAX_NUMBER = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Condition(_Node):
    """A question about one field."""

    field: str
    operator: str
    value: JsonValue = None


class Negation(_Node):
    """Everyone whom the rule does not describe."""

    op: Literal["not"]
    rule: "Rule"


class Group(_Node):
    """All (and) or any (or) of the rules. An empty ``and`` at the root describes everyone."""

    op: Literal["and", "or"]
    rules: list["Rule"]


def _kind(node: Any) -> str | None:
    if isinstance(node, BaseModel):
        return {Group: "<group>", Negation: "<negation>"}.get(type(node), "<condition>")
    if not isinstance(node, dict):
        return None
    if "op" not in node:
        return "<condition>"
    return "<negation>" if node["op"] == "not" else "<group>"


Rule: TypeAlias = Annotated[
    Annotated[Group, Tag("<group>")]
    | Annotated[Negation, Tag("<negation>")]
    | Annotated[Condition, Tag("<condition>")],
    Discriminator(_kind),
]

Group.model_rebuild()
Negation.model_rebuild()
_ADAPTER: TypeAdapter[Group | Negation | Condition] = TypeAdapter(Rule)


@dataclass(frozen=True, slots=True)
class Days:
    """So many calendar days of the shop back from today."""

    count: int


@dataclass(frozen=True, slots=True)
class Happening:
    """At least so many times, in the last ``days`` of the shop's calendar or ever, with one thing or with any."""

    times: int
    days: int | None
    subject: Subject | None
    subject_id: str


Value: TypeAlias = int | str | date | Days | Happening | tuple[int, int] | tuple[str, ...] | None

MEMBERSHIPS = ("segment", "shopify_segment", "list")
_DAYS = ("in_last_days", "not_in_last_days", "more_than_days_ago")


class _Unreadable(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse(tree: object, *, currency: str, pointer: str = "/rules") -> Group | Negation | Condition:
    """The rule tree of a request; raises Invalid naming every offending node."""
    if errors := list(_over_limits(tree, pointer)):
        raise Invalid("The rules are too large.", code="rules_invalid", errors=errors)
    try:
        root = _ADAPTER.validate_python(tree)
    except ValidationError as error:
        errors = [_shape_error(fault["loc"], fault["msg"], pointer) for fault in error.errors()]
        raise Invalid("The rules do not have the right shape.", code="rules_invalid", errors=errors) from None
    if errors := list(_faults(root, pointer, currency, root=True)):
        raise Invalid("The rules ask for something that is not there.", code="rules_invalid", errors=errors)
    return root


def reread(tree: object) -> Group | Negation | Condition:
    """A tree that was parsed before it was stored."""
    return _ADAPTER.validate_python(tree)


def list_conditions(
    node: Group | Negation | Condition, pointer: str = "/rules"
) -> Iterator[tuple[str, Condition]]:
    """Every condition of a tree with the pointer to it, in the order in which it is read."""
    if isinstance(node, Condition):
        yield pointer, node
    elif isinstance(node, Negation):
        yield from list_conditions(node.rule, f"{pointer}/rule")
    else:
        for index, rule in enumerate(node.rules):
            yield from list_conditions(rule, f"{pointer}/rules/{index}")


def read_value(condition: Condition, currency: str) -> Value:
    """The condition's value in the type that its field and operator take."""
    return _read(FIELDS[condition.field], condition.operator, condition.value, currency)


def _over_limits(tree: object, pointer: str) -> Iterator[FieldError]:
    """Walks without recursion, so that a tree of any depth is refused and not followed."""
    conditions = 0
    waiting: list[tuple[object, str, int]] = [(tree, pointer, 1)]
    while waiting:
        node, at, depth = waiting.pop()
        if not isinstance(node, dict):
            continue
        if "op" not in node:
            conditions += 1
            if conditions > MAX_CONDITIONS:
                yield FieldError(
                    pointer, f"At most {MAX_CONDITIONS} conditions fit in one segment.", "too_many"
                )
                return
            continue
        if depth > MAX_DEPTH:
            yield FieldError(at, f"Rules nest at most {MAX_DEPTH} levels deep.", "too_deep")
            return
        rules = node.get("rules")
        if isinstance(rules, list):
            waiting += [(rule, f"{at}/rules/{index}", depth + 1) for index, rule in enumerate(rules)]
        waiting.append((node.get("rule"), f"{at}/rule", depth + 1))


def _shape_error(loc: tuple[int | str, ...], message: str, pointer: str) -> FieldError:
    steps = [str(step) for step in loc if not (isinstance(step, str) and step.startswith("<"))]
    at = "/".join([pointer, *(step.replace("~", "~0").replace("/", "~1") for step in steps)])
    if message.startswith("Unable to extract tag"):
        return FieldError(at, "A rule is an object with op and rules, or with field and operator.", "shape")
    return FieldError(at, message, "shape")


def _faults(
    node: Group | Negation | Condition, pointer: str, currency: str, *, root: bool = False
) -> Iterator[FieldError]:
    if isinstance(node, Group):
        if not node.rules and not (root and node.op == "and"):
            yield FieldError(f"{pointer}/rules", "Add at least one rule, or remove the group.", "empty")
        for index, rule in enumerate(node.rules):
            yield from _faults(rule, f"{pointer}/rules/{index}", currency)
    elif isinstance(node, Negation):
        yield from _faults(node.rule, f"{pointer}/rule", currency)
    else:
        yield from _condition_faults(node, pointer, currency)


def _condition_faults(node: Condition, pointer: str, currency: str) -> Iterator[FieldError]:
    field = FIELDS.get(node.field)
    if field is None:
        yield FieldError(f"{pointer}/field", "There is no such field.", "unknown_field")
        return
    if node.operator not in field.operators:
        known = ", ".join(field.operators)
        yield FieldError(f"{pointer}/operator", f"This field can be asked: {known}.", "unknown_operator")
        return
    try:
        _read(field, node.operator, node.value, currency)
    except _Unreadable as error:
        yield FieldError(f"{pointer}/value", str(error), error.code)


def _read(field: Field, operator: str, value: JsonValue, currency: str) -> Value:
    if operator in ("is_set", "not_set"):
        if value is not None:
            raise _Unreadable("value_unexpected", "This operator takes no value.")
        return None
    if field.type == "date":
        if operator in _DAYS:
            return Days(_integer(value, low=1, high=MAX_DAYS))
        return _date(value)
    if field.type in ("number", "money"):
        if operator == "between":
            return _range(field, value, currency)
        return _quantity(field, value, currency)
    if field.type == "enum":
        return _options(field, operator, value)
    if field.type == "behaviour":
        return _happening(field, value)
    return _text(value)


def _happening(field: Field, value: JsonValue) -> Happening:
    """``{"times": 2, "days": 30, "product": "gid://…"}``; without times once, without days ever."""
    if not isinstance(value, dict):
        raise _Unreadable("value_type", "The value is an object with times, days and what it is about.")
    if unknown := value.keys() - {"times", "days", *field.subjects}:
        raise _Unreadable("value_invalid", f"Nothing is known of {', '.join(sorted(unknown))[:80]} here.")
    subjects = [subject for subject in field.subjects if value.get(subject) is not None]
    if len(subjects) > 1:
        raise _Unreadable("value_invalid", "A rule is about one thing: a product or a collection.")
    days = value.get("days")
    return Happening(
        times=_integer(value.get("times", 1), low=1, high=MAX_TIMES),
        days=None if days is None else _integer(days, low=1, high=MAX_DAYS),
        subject=subjects[0] if subjects else None,
        subject_id=_text(value[subjects[0]]) if subjects else "",
    )


def _quantity(field: Field, value: JsonValue, currency: str) -> int:
    if field.type == "money" and isinstance(value, str):
        return _amount(value, currency)
    return _integer(value, low=-MAX_NUMBER, high=MAX_NUMBER)


def _amount(value: str, currency: str) -> int:
    """A decimal string is an amount of the shop's currency; an integer is minor units."""
    if not re.fullmatch(r"-?\d{1,12}(\.\d{1,4})?", value, re.ASCII):
        raise _Unreadable("value_invalid", "An amount is written like 12.50.")
    minor = to_minor(Decimal(value), currency)
    if not -MAX_NUMBER <= minor <= MAX_NUMBER:
        raise _Unreadable("value_out_of_range", "The amount is too large.")
    return minor


def _range(field: Field, value: JsonValue, currency: str) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise _Unreadable("value_type", "A range is a list of two numbers.")
    low, high = (_quantity(field, bound, currency) for bound in value)
    if low > high:
        raise _Unreadable("value_invalid", "The first number of a range is the smaller one.")
    return low, high


def _integer(value: JsonValue, *, low: int, high: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _Unreadable("value_type", "The value is a whole number.")
    if not low <= value <= high:
        raise _Unreadable("value_out_of_range", f"The value lies between {low} and {high}.")
    return value


def _date(value: JsonValue) -> date:
    if not isinstance(value, str):
        raise _Unreadable("value_type", "The value is a date like 2026-11-21.")
    try:
        read = date.fromisoformat(value)
    except ValueError:
        read = None
    if read is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise _Unreadable("value_invalid", "The value is a date like 2026-11-21.")
    if not 1900 <= read.year <= 2200:
        raise _Unreadable("value_out_of_range", "The date lies between 1900 and 2200.")
    return read


def _options(field: Field, operator: str, value: JsonValue) -> Value:
    known = ", ".join(field.options)
    chosen = value if operator == "in" else [value]
    if not isinstance(chosen, list) or not chosen:
        raise _Unreadable("value_type", f"The value is a list of: {known}.")
    for option in chosen:
        if option not in field.options:
            raise _Unreadable("value_invalid", f"The value is one of: {known}.")
    texts = tuple(str(option) for option in chosen)
    return texts if operator == "in" else texts[0]


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise _Unreadable("value_type", "The value is a text.")
    if not value.strip() or len(value) > MAX_TEXT_LENGTH or "\x00" in value:
        raise _Unreadable("value_invalid", f"The text has 1 to {MAX_TEXT_LENGTH} characters.")
    return value
