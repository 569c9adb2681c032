"""Examples of answers, made from their schemas, so that every route of the document has one that fits its schema."""

from typing import Any

Schema = dict[str, Any]

_BY_NAME: dict[str, Any] = {
    "amount_minor": 123450,
    "city": "Lisbon",
    "country": "PT",
    "currency": "USD",
    "cursor": "WzQyXQ",
    "detail": "All is well.",
    "domain": "example.myshopify.com",
    "email": "ana@example.com",
    "from_email": "hello@example.com",
    "html": "<p>Hello {{ customer.first_name }}</p>",
    "locale": "en",
    "name": "Come back",
    "next_cursor": "WzQyXQ",
    "queue": "default",
    "reply_to": "hello@example.com",
    "subject": "It has been a while",
    "timezone": "Europe/Lisbon",
    "title": "Come back",
    "version": 3,
}
"""What fields of these names hold, where their schema says nothing closer."""

_BY_FORMAT: dict[str, Any] = {
    "date-time": "2026-11-22T08:30:00Z",
    "date": "2026-11-22",
    "uuid": "3f2a1c6e-8d4b-4f0a-9c57-1e2d3b4a5c6d",
    "email": "ana@example.com",
    "uri": "https://example.com/",
}

MAX_DEPTH = 6
"""Where a schema contains itself (rules within rules) the example ends."""


def example(schema: Schema, components: dict[str, Schema], *, name: str = "", depth: int = 0) -> Any:
    """A value that the schema accepts; ``components`` are the document's schemas."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rsplit("/", 1)[-1]]
    if schema.get("examples"):
        return schema["examples"][0]
    for known in ("const", "default"):
        if schema.get(known) is not None:
            return schema[known]
    if schema.get("enum"):
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return example(_choose(schema[choice], depth), components, name=name, depth=depth + 1)
    return _plain(schema, components, name, depth)


def _choose(options: list[Schema], depth: int) -> Schema:
    """The first that says something; the end of a chain of things within things is the null among them."""
    plain = [option for option in options if option.get("type") == "null"]
    telling = [option for option in options if option.get("type") != "null"]
    return plain[0] if plain and (depth >= MAX_DEPTH or not telling) else telling[0]


def _plain(schema: Schema, components: dict[str, Schema], name: str, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        return {
            field: example(each, components, name=field, depth=depth + 1)
            for field, each in properties.items()
        }
    if kind == "array":
        items = schema.get("items", {})
        wanted = schema.get("minItems", 0) or (1 if items and depth < MAX_DEPTH else 0)
        if "prefixItems" in schema:
            return [example(each, components, name=name, depth=depth + 1) for each in schema["prefixItems"]]
        return [example(items, components, name=name, depth=depth + 1) for _ in range(wanted)]
    if kind in ("integer", "number"):
        least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        given = _BY_NAME.get(name)
        return given if isinstance(given, int) else max(least, min(42, schema.get("maximum", 42)))
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    return _text(schema, name) if kind == "string" else {}


def _text(schema: Schema, name: str) -> str:
    given = _BY_FORMAT.get(schema.get("format", "")) or _BY_NAME.get(name)
    if isinstance(given, str):
        return given
    return "01jd8wz6k3r9v5n2m7q4t1x0ya" if name.endswith("id") else name.replace("_", " ") or "text"
