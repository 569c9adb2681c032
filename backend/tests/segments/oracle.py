"""What membership means, in plain Python: written from the rules' description, not from the compiler."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

COLUMNS = {
    "total_spent": "total_spent_minor",
    "average_order": "average_order_minor",
    "email_subscription": "email_state",
    "created_at": "shopify_created_at",
}


def is_member(customer: dict[str, Any], node: dict[str, Any], now: datetime, zone: ZoneInfo) -> bool:
    op = node.get("op")
    if op == "not":
        return not is_member(customer, node["rule"], now, zone)
    if op == "and":
        return all(is_member(customer, rule, now, zone) for rule in node["rules"])
    if op == "or":
        return any(is_member(customer, rule, now, zone) for rule in node["rules"])
    known = customer[COLUMNS.get(node["field"], node["field"])]
    return answer(known, node["operator"], node.get("value"), now, zone)


def answer(known: Any, operator: str, value: Any, now: datetime, zone: ZoneInfo) -> bool:
    if operator in ("is_set", "not_set"):
        is_set = known is not None and known != ""
        return is_set if operator == "is_set" else not is_set
    if operator in ("before", "after", "in_last_days", "not_in_last_days"):
        return about_a_date(known, operator, value, now, zone)
    if operator in ("has", "has_not"):
        return bool((value in known) == (operator == "has"))
    if operator in ("neq", "is_not"):
        return bool(fold(known) != fold(value))
    if known is None:
        return False
    if operator == "between":
        return bool(value[0] <= known <= value[1])
    if operator == "in":
        return bool(known in value)
    return compares(fold(known), operator, fold(value))


def compares(known: Any, operator: str, value: Any) -> bool:
    match operator:
        case "eq" | "is":
            return bool(known == value)
        case "gt":
            return bool(known > value)
        case "gte":
            return bool(known >= value)
        case "lt":
            return bool(known < value)
        case "lte":
            return bool(known <= value)
        case "contains":
            return bool(value in known)
        case "starts_with":
            return bool(known.startswith(value))
    raise LookupError(operator)


def about_a_date(known: datetime | None, operator: str, value: Any, now: datetime, zone: ZoneInfo) -> bool:
    if operator in ("in_last_days", "not_in_last_days"):
        first_day = now.astimezone(zone).date() - timedelta(days=value)
        inside = known is not None and known <= now and known.astimezone(zone).date() >= first_day
        return inside == (operator == "in_last_days")
    if known is None:
        return False
    day, limit = known.astimezone(zone).date(), date.fromisoformat(value)
    return day < limit if operator == "before" else day > limit


def fold(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text
