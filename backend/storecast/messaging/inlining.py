"""Style sheets written into the elements that they describe, because some mail programs drop `<style>`.

Done once for a variant, around its template tags. The source is not rebuilt, since an HTML parser would move a loop
out of its table: elements are numbered, the inliner says which style each number gets, and only ``style`` attributes
are replaced. The sheets themselves stay for media queries and for states such as hover.
"""

import re
from collections.abc import Mapping

import css_inline

from storecast.messaging import markup

MAX_DEPTH = 200
"""The parser calls itself for each level and would end the process at some ten thousand."""

MAX_MATCHES = 2_000_000
"""Elements times rules: 2,000 rules over 2,000 elements took 0.7 s."""

_NUMBER = "data-jj"
_MARK = re.compile(r"jj(\d+)jj")
_AT_RULE = re.compile(r"@[\w-]+[^{};]*")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_inliner = css_inline.CSSInliner(
    inline_style_tags=True, keep_style_tags=True, keep_link_tags=True, load_remote_stylesheets=False
)


def inline(source: str) -> str:
    """The template with its plain rules also as ``style`` attributes; unchanged when there is nothing to gain."""
    masked = markup.mask(source)
    spans = list(markup.spans(masked))
    sheets = [span for span in spans if span.kind == "style"]
    rules = sum(_plain_rules(masked[sheet.start : sheet.end]) for sheet in sheets)
    if not rules or rules * masked.count("<") > MAX_MATCHES or markup.depth(masked) > MAX_DEPTH:
        return source
    if _MARK.search(source):
        return source
    tags = list(markup.template_tags(source))
    texts = [source[start:end] for start, end in tags]
    if any(_is_statement(texts[at]) and _within(tags[at], sheets) for at in range(len(tags))):
        # Which rules there are depends on the recipient.
        return source
    elements = [tag for tag in markup.tags(masked) if not tag.closing]
    try:
        styles = _styles(_inliner.inline(_numbered(source, tags, spans, elements)))
    except css_inline.InlineError:
        return source
    return markup.splice(source, _replacements(source, elements, styles, texts))


def _plain_rules(sheet: str) -> int:
    """How many rules stand outside of @media and the like."""
    sheet = _COMMENT.sub("", sheet)
    rules = depth = position = 0
    at_rule_depth: int | None = None
    while position < len(sheet):
        character = sheet[position]
        if character == "@" and at_rule_depth is None and (found := _AT_RULE.match(sheet, position)):
            position = found.end()
            if sheet[position : position + 1] == "{":
                at_rule_depth = depth
            continue
        if character == "{":
            rules += at_rule_depth is None
            depth += 1
        elif character == "}":
            depth = max(depth - 1, 0)
            if depth == at_rule_depth:
                at_rule_depth = None
        position += 1
    return rules


def _is_statement(text: str) -> bool:
    return not text.startswith("{{")


def _within(tag: tuple[int, int], spans: list[markup.Span]) -> bool:
    return any(span.start <= tag[0] < span.end for span in spans)


def _numbered(
    source: str, tags: list[tuple[int, int]], spans: list[markup.Span], elements: list[markup.Tag]
) -> str:
    """What the inliner reads: elements with their numbers; template tags as comments, or as words inside of markup."""
    edits = [
        (at, at, f' {_NUMBER}="{number}"')
        for number, element in enumerate(elements)
        for at in (element.start + 1 + len(element.name),)
    ]
    waiting = iter(spans)
    span = next(waiting, None)
    for number, (start, end) in enumerate(tags):
        while span is not None and span.end <= start:
            span = next(waiting, None)
        inside = span is not None and span.start <= start
        edits.append((start, end, f"jj{number}jj" if inside else f"<!--jj{number}jj-->"))
    return markup.splice(source, sorted(edits))


def _styles(inlined: str) -> dict[int, str]:
    """The style of each numbered element that has one."""
    found = {}
    for tag in markup.tags(inlined):
        number, style = tag.attributes.get(_NUMBER), tag.attributes.get("style")
        if number is not None and style is not None:
            found[int(number.value)] = style.value
    return found


def _replacements(
    source: str, elements: list[markup.Tag], styles: Mapping[int, str], texts: list[str]
) -> list[tuple[int, int, str]]:
    replacements = []
    for number, element in enumerate(elements):
        style = styles.get(number)
        if style is None:
            continue
        written = element.attributes.get("style")
        # Whatever quotes stand around it, the value ends neither.
        filled = _MARK.sub(lambda mark: texts[int(mark[1])], style.replace("'", "&#39;"))
        if written is None:
            at = element.start + 1 + len(element.name)
            replacements.append((at, at, f' style="{filled}"'))
        elif not any(_is_statement(text) for text in _tags_of(source, written)):
            quoted = source[written.start - 1] in "\"'"
            replacements.append((written.start, written.end, filled if quoted else f'"{filled}"'))
    return replacements


def _tags_of(source: str, attribute: markup.Attribute) -> list[str]:
    value = source[attribute.start : attribute.end]
    return [value[start:end] for start, end in markup.template_tags(value)]
