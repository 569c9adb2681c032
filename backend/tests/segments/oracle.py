"""What membership means, in plain Python: written from the rules' description, not from the compiler."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

COLLECTIONS = {"gid://shopify/Collection/1": {"gid://shopify/Product/1", "gid://shopify/Product/2"}}
"""What stands in which collection."""

COLUMNS = {
    "total_spent": "total_spent_minor",
    "average_order": "average_order_minor",
    "email_subscription": "email_state",
    "sms_subscription": "sms_state",
    "created_at": "shopify_created_at",
}


def is_member(
    customer: dict[str, Any],
    node: dict[str, Any],
    now: datetime,
    zone: ZoneInfo,
    segments: dict[str, dict[str, Any]] | None = None,
) -> bool:
    """``segments`` are the rules of other segments by id."""
    op = node.get("op")
    if op == "not":
        return not is_member(customer, node["rule"], now, zone, segments)
    if op == "and":
        return all(is_member(customer, rule, now, zone, segments) for rule in node["rules"])
    if op == "or":
        return any(is_member(customer, rule, now, zone, segments) for rule in node["rules"])
    if node["operator"] in ("did", "did_not"):
        often = times(customer, node["field"], node["value"], now, zone) >= node["value"].get("times", 1)
        return bool(often == (node["operator"] == "did"))
    if node["operator"] in ("member", "not_member"):
        if node["field"] == "segment":
            inner = (segments or {}).get(node["value"])
            inside = inner is not None and is_member(customer, inner, now, zone, segments)
        else:
            inside = node["value"] in customer[f"in_{node['field']}"]
        return bool(inside == (node["operator"] == "member"))
    known = customer[COLUMNS.get(node["field"], node["field"])]
    return answer(known, node["operator"], node.get("value"), now, zone)


def times(customer: dict[str, Any], kind: str, value: dict[str, Any], now: datetime, zone: ZoneInfo) -> int:
    """How often the customer did it. Everything is ``(instant, subjects)``: an order has several products."""
    first_day = now.astimezone(zone).date() - timedelta(days=value["days"]) if value.get("days") else None
    count = 0
    for at, subjects in customer["did"][kind]:
        if first_day is not None and at.astimezone(zone).date() < first_day:
            continue
        wanted = {value[name] for name in ("product", "campaign") if value.get(name)}
        if value.get("collection"):
            wanted = COLLECTIONS.get(value["collection"], set())
        asks = any(value.get(name) for name in ("product", "campaign", "collection"))
        if not asks or wanted & set(subjects):
            count += 1
    return count


def answer(known: Any, operator: str, value: Any, now: datetime, zone: ZoneInfo) -> bool:
    if operator in ("is_set", "not_set"):
        is_set = known is not None and known != ""
        return is_set if operator == "is_set" else not is_set
    if operator in ("before", "after", "in_last_days", "not_in_last_days", "more_than_days_ago"):
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
    if operator == "more_than_days_ago":
        return known.astimezone(zone).date() < now.astimezone(zone).date() - timedelta(days=value)
    day, limit = known.astimezone(zone).date(), date.fromisoformat(value)
    return day < limit if operator == "before" else day > limit


def fold(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text
