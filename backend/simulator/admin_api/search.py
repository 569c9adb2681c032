"""Shopify's search syntax (`updated_at:>'2026-01-01' AND NOT tag:vip`) as SQL conditions.

Terms on fields that a list does not know are ignored with a warning, as the platform does; they never narrow a result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.clock import instant_text, parse_instant

TOKEN = re.compile(
    r"""\s*(?:(?P<paren>[()])
    |(?P<not>-|NOT\b)
    |(?P<word>AND|OR)\b
    |(?P<field>[A-Za-z_]\w*):(?P<op>>=|<=|>|<)?\s*(?:'(?P<q1>[^']*)'|"(?P<q2>[^"]*)"|(?P<v>[^\s()]+))
    |(?:'(?P<t1>[^']*)'|"(?P<t2>[^"]*)"|(?P<t>[^\s()]+)))""",
    re.VERBOSE,
)

Condition = tuple[str, list[Any]]
FieldSearch = Callable[[str, str], Condition]
"""(operator, value) → SQL condition; ValueError when the value is not of the field's kind."""


@dataclass
class Search:
    """What a list may be searched by."""

    fields: Mapping[str, FieldSearch]
    text_columns: tuple[str, ...] = ()
    warnings: list[dict[str, str]] = field(default_factory=list)

    def compile(self, query: str) -> Condition:
        """`1` when nothing narrows."""
        tokens = [match for match in TOKEN.finditer(query.strip()) if match.group().strip()]
        condition, rest = self._any(tokens)
        while rest:  # a stray closing parenthesis ends nothing
            more, rest = self._any(rest[1:])
            condition = _join("and", condition, more)
        return condition

    def _any(self, tokens: list[re.Match[str]]) -> tuple[Condition, list[re.Match[str]]]:
        condition, tokens = self._all(tokens)
        while tokens and tokens[0]["word"] == "OR":
            more, tokens = self._all(tokens[1:])
            condition = _join("or", condition, more)
        return condition, tokens

    def _all(self, tokens: list[re.Match[str]]) -> tuple[Condition, list[re.Match[str]]]:
        condition: Condition = ("1", [])
        while tokens and tokens[0]["word"] != "OR" and tokens[0]["paren"] != ")":
            if tokens[0]["word"] == "AND":
                tokens = tokens[1:]
                continue
            more, tokens = self._term(tokens)
            condition = _join("and", condition, more)
        return condition, tokens

    def _term(self, tokens: list[re.Match[str]]) -> tuple[Condition, list[re.Match[str]]]:
        first, rest = tokens[0], tokens[1:]
        if first["not"]:
            if not rest:
                return ("1", []), rest
            (sql, values), rest = self._term(rest)
            return ((f"not coalesce({sql}, 0)", values) if sql != "1" else ("1", [])), rest
        if first["paren"] == "(":
            condition, rest = self._any(rest)
            return condition, rest[1:]
        if first["field"]:
            return self._field(first), rest
        return self._text(_first(first, "t1", "t2", "t")), rest

    def _field(self, token: re.Match[str]) -> Condition:
        name, value = token["field"], _first(token, "q1", "q2", "v")
        search = self.fields.get(name)
        if search is None:
            self.warnings.append(
                {"field": name, "message": "Invalid search field for this query.", "code": "invalid_field"}
            )
            return "1", []
        try:
            return search(token["op"] or "=", value)
        except ValueError:
            self.warnings.append(
                {
                    "field": name,
                    "message": f"Input `{value}` is not an accepted value.",
                    "code": "invalid_value",
                }
            )
            return "1", []

    def _text(self, text: str) -> Condition:
        if not self.text_columns:
            return "1", []
        pattern = text.replace("*", "%") if "*" in text else f"%{text}%"
        return "(" + " or ".join(f"{c} like ?" for c in self.text_columns) + ")", [pattern] * len(
            self.text_columns
        )


def _first(match: re.Match[str], *groups: str) -> str:
    return next((match[group] for group in groups if match[group] is not None), "")


def _join(word: str, left: Condition, right: Condition) -> Condition:
    if word == "and" and "1" in (left[0], right[0]):
        return right if left[0] == "1" else left
    return f"({left[0]} {word} {right[0]})", [*left[1], *right[1]]


def instant(column: str) -> FieldSearch:
    return lambda op, value: (f"{column} {op} ?", [instant_text(parse_instant(value))])


def number(column: str) -> FieldSearch:
    return lambda op, value: (f"{column} {op} ?", [int(value.rsplit("/", 1)[-1])])


def amount(column: str) -> FieldSearch:
    return lambda op, value: (f"{column} {op} ?", [round(float(value) * 100)])


def text(column: str) -> FieldSearch:
    """Equal without case; `*` at the end matches any ending, alone it asks for any value at all."""

    def condition(op: str, value: str) -> Condition:
        if value == "*":
            return f"{column} is not null", []
        if value.endswith("*"):
            return f"{column} like ?", [value[:-1] + "%"]
        return f"{column} = ? collate nocase", [value]

    return condition


def enum(column: str) -> FieldSearch:
    """One value, or several with commas between."""

    def condition(op: str, value: str) -> Condition:
        values = [part.strip().upper() for part in value.split(",")]
        return f"{column} in ({', '.join('?' * len(values))})", list(values)

    return condition


def tag(column: str) -> FieldSearch:
    return lambda op, value: (f"(',' || {column} || ',') like ?", [f"%,{value},%"])


def flag(column: str) -> FieldSearch:
    return lambda op, value: (f"{column} = ?", [int(value.lower() == "true")])
