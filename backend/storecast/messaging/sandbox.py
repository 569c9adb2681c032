"""The Jinja2 sandbox for merchants' templates, which are hostile code.

Three walls. A template is refused unless every node of its syntax tree is on the allow-list, so that nothing in it
can call, multiply text or reach outside its context. Lookups see plain dicts and lists only, whatever the name. And
rendering counts loop turns and output bytes. Previews and test mails, where a template is new, are rendered in a
process with limits besides (`preview`).
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, cast

from jinja2 import ChainableUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from storecast.kit.money import exponent

MAX_SOURCE_BYTES = 200_000
MAX_OUTPUT_BYTES = 500_000
"""Gmail clips at about 102 KB; five times that is no mail any more."""

MAX_LIST_ITEMS = 100
MAX_LOOP_TURNS = 5_000
"""All loops of one rendering together: with `MAX_LOOP_NODES` the work stays near a second at the very worst."""

MAX_LOOP_DEPTH = 3
MAX_LOOP_NODES = 400
MAX_NODES = 5_000
MAX_NODE_DEPTH = 40
MAX_NUMBER = 10**12
MAX_DATE_FORMAT = 40
MAX_SEPARATOR = 20

TURNS_KEY = "_turns"
"""The context entry that counts loop turns; templates cannot name it, no name of theirs may start with _."""

_LOOP_ATTRIBUTES = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})


class Fault(NamedTuple):
    """One thing wrong with a template, where it is."""

    line: int
    column: int
    message: str


class TemplateTooLarge(TemplateError):
    """The rendering ran into a limit on output or loop turns."""


class Missing(ChainableUndefined):
    """A value that is not there: prints nothing, compares as false, counts as zero. It never breaks a send."""

    __slots__ = ()

    def _no(self, *_: Any, **__: Any) -> bool:
        return False

    def _self(self, *_: Any, **__: Any) -> "Missing":
        return self

    def _zero(self, *_: Any, **__: Any) -> int:
        return 0

    def _zero_float(self, *_: Any, **__: Any) -> float:
        return 0.0

    # The base class declares these as never returning, which is what this class is there to change.
    __lt__ = __le__ = __gt__ = __ge__ = _no  # type: ignore[assignment]
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = _self  # type: ignore[assignment]
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _self  # type: ignore[assignment]
    __abs__ = __round__ = _self
    __int__ = _zero  # type: ignore[assignment]
    __float__ = _zero_float  # type: ignore[assignment]


class MessageEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox in which dots and brackets reach entries of dicts and lists and nothing else."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``obj.attribute``."""
        if type(obj) is dict:
            found = obj.get(attribute, _ABSENT)
            return found if found is not _ABSENT else self.undefined(name=attribute)
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, LoopContext) and attribute in _LOOP_ATTRIBUTES:
            return getattr(obj, attribute)
        return self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``obj[argument]``."""
        if isinstance(obj, list | str) and isinstance(argument, int):
            return obj[argument] if -len(obj) <= argument < len(obj) else self.undefined(name=str(argument))
        return self.getattr(obj, argument if isinstance(argument, str) else str(argument))


_ABSENT = object()


@pass_context
def _each(context: Context, value: Any) -> list[Any]:
    """What a loop runs over: lists only, short ones only, so many turns in all."""
    if not isinstance(value, list):
        return []
    turns = context.get(TURNS_KEY)
    if turns is not None:
        turns[0] += len(value)
        if turns[0] > MAX_LOOP_TURNS:
            raise TemplateTooLarge(f"The loops take more than {MAX_LOOP_TURNS:,} turns.")
    if len(value) > MAX_LIST_ITEMS:
        raise TemplateTooLarge(f"A loop runs over more than {MAX_LIST_ITEMS} items.")
    return value


def _join(value: Any, separator: str = "") -> Any:
    """The items of a list as one text. Joining the letters of a text would let a chain of joins grow without end."""
    return separator.join(str(item) for item in value[:MAX_LIST_ITEMS]) if isinstance(value, list) else value


_DATE_FORMAT = re.compile(r"(?:[^%]|%[-]?[aAbBdeHIjmMpSyY%])*")


def _date(value: Any, fmt: str = "%-d %B %Y") -> Any:
    """An ISO date of the context, written the way the merchant wants it."""
    if isinstance(value, Undefined):
        return value
    try:
        return date.fromisoformat(str(value)[:10]).strftime(fmt)
    except ValueError:
        return str(value)


def _link(value: str, links: Any, token: str, number: int) -> str:
    """Writes a tracked link, see `personal_links`. Compiling puts it around addresses; merchants' templates may not."""
    written: str = links.write(value, token, number)
    return written


_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$", "INR": "₹"}


@pass_context
def _money(context: Context, value: Any) -> Any:
    """An amount in the shop's currency: ``$1,234.50``."""
    if isinstance(value, Undefined):
        return value
    currency = str(context.environment.getattr(context.resolve("shop"), "currency") or "")
    try:
        amount = Decimal(str(value))
        text = f"{amount:,.{exponent(currency)}f}" if amount.is_finite() else str(value)
    except InvalidOperation:
        return str(value)
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{text}" if symbol else f"{text} {currency}".rstrip()


_KEPT_FILTERS = (
    *("abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "int", "last", "length"),
    *("lower", "reverse", "round", "title", "trim", "truncate", "upper", "urlencode"),
)

FILTERS = frozenset({*_KEPT_FILTERS, "date", "join", "money"})
TESTS = frozenset(
    {
        *("defined", "undefined", "none", "odd", "even", "number", "string", "in"),
        *("eq", "ne", "lt", "le", "gt", "ge", "equalto"),
    }
)


def environment(*, html: bool, undefined: type[Undefined] = Missing) -> MessageEnvironment:
    """A fresh environment: autoescaping for HTML, plain for subjects and text parts."""
    env = MessageEnvironment(autoescape=html, undefined=undefined, keep_trailing_newline=True, cache_size=0)
    env.globals.clear()
    filters = {name: env.filters[name] for name in _KEPT_FILTERS}
    env.filters.clear()
    env.filters.update(filters, date=_date, join=_join, money=_money, _each=_each, _link=_link)
    tests = {name: env.tests[name] for name in TESTS}
    env.tests.clear()
    env.tests.update(tests)
    return env


HTML = environment(html=True)
TEXT = environment(html=False)


def parse(source: str, env: MessageEnvironment) -> nodes.Template:
    """The tree of a vetted source, its loops bounded. The caller has seen `check` come back empty."""
    tree = env.parse(source)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "_each", [], [], None, None, lineno=loop.lineno)
        loop.set_environment(env)
    return tree


def render(
    source: str, context: Mapping[str, Any], *, html: bool, undefined: type[Undefined] = Missing
) -> str:
    """Render a vetted source once, counting bytes; raises TemplateTooLarge or another TemplateError."""
    env = (HTML if html else TEXT) if undefined is Missing else environment(html=html, undefined=undefined)
    template = env.from_string(parse(source, env))
    return "".join(counted(template.generate({**context, TURNS_KEY: [0]})))


def counted(chunks: Iterator[str]) -> Iterator[str]:
    """The chunks as they come, up to `MAX_OUTPUT_BYTES` in all."""
    total = 0
    for chunk in chunks:
        total += len(chunk) if chunk.isascii() else len(chunk.encode())
        if total > MAX_OUTPUT_BYTES:
            raise TemplateTooLarge(f"The message is larger than {MAX_OUTPUT_BYTES:,} bytes.")
        yield chunk


Names = Mapping[str, Collection[str] | None]
"""The names that a context has: each with its known fields, or None for a plain value or an open record."""


def check(source: str, names: Names | None = None) -> list[Fault]:
    """Everything that is wrong with a template, in order; an empty list is the licence to compile it.

    With ``names``, a name or field that no context has is a fault too: it is a typing error in every case.
    """
    if len(source.encode()) > MAX_SOURCE_BYTES:
        return [Fault(1, 1, f"The template is larger than {MAX_SOURCE_BYTES:,} bytes.")]
    try:
        tree = HTML.parse(source)
    except TemplateSyntaxError as error:
        return [_syntax_fault(source, error)]
    except (RecursionError, ValueError, OverflowError, MemoryError):
        return [Fault(1, 1, "The template is nested too deeply or holds a number that is too large.")]
    faults = _Vetting(source, names).run(tree)
    if faults:
        return faults
    try:
        HTML.compile(tree)
    except (TemplateError, SyntaxError, RecursionError, ValueError, OverflowError) as error:
        return [Fault(1, 1, f"The template does not compile: {error}")]
    return []


def variables(source: str) -> list[str]:
    """The dotted paths that a vetted template reads, sorted."""
    return sorted(paths(HTML.parse(source)))


def paths(node: nodes.Node) -> set[str]:
    """The dotted paths under a node, without what its own loops and assignments bind."""
    found: set[str] = set()
    _collect_paths(node, frozenset(), found)
    return found


def _collect_paths(node: nodes.Node, bound: frozenset[str], found: set[str]) -> None:
    if isinstance(node, nodes.For):
        _collect_paths(node.iter, bound, found)
        bound = bound | {cast(nodes.Name, node.target).name, "loop"}
        children = [child for child in node.iter_child_nodes() if child not in (node.iter, node.target)]
    else:
        dotted = path_of(node)
        if dotted is not None:
            if dotted.partition(".")[0] not in bound:
                found.add(dotted)
            return
        children = list(node.iter_child_nodes())
    for child in children:
        _collect_paths(child, bound, found)


def path_of(node: nodes.Node) -> str | None:
    """``customer.first_name`` for the node of that expression, None for any other."""
    if isinstance(node, nodes.Name):
        return node.name if node.ctx == "load" else None
    attribute = _attribute_of(node)
    if attribute is None:
        return None
    base = path_of(cast(nodes.Getattr | nodes.Getitem, node).node)
    return f"{base}.{attribute}" if base is not None else None


def _attribute_of(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if (
        isinstance(node, nodes.Getitem)
        and isinstance(node.arg, nodes.Const)
        and isinstance(node.arg.value, str)
    ):
        return node.arg.value
    return None


def _syntax_fault(source: str, error: TemplateSyntaxError) -> Fault:
    message = error.message or "This is not a valid template."
    got = re.search(r"got '([^']+)'|unexpected '([^']+)'|unknown tag '([^']+)'|named '([^']+)'", message)
    needle = next((group for group in got.groups() if group), None) if got else None
    return Fault(error.lineno, _column(source, error.lineno, re.escape(needle) if needle else None), message)


def _column(source: str, line: int, needle: str | None) -> int:
    """The 1-based column of the needle on a line, else of the line's first tag."""
    lines = source.splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    tag = text.find("{")
    found = re.compile(needle).search(text, max(tag, 0)) if needle else None
    return (found.start() if found else max(tag, 0)) + 1


Rule = Callable[["_Vetting", Any], None]


class _Vetting:
    """Walks a tree against the allow-list and collects faults."""

    def __init__(self, source: str, names: Names | None) -> None:
        self._source = source
        self._names = names
        self._faults: list[Fault] = []
        self._bound: set[str] = set()
        self._nodes = 0
        self._loop_nodes = 0

    def run(self, tree: nodes.Template) -> list[Fault]:
        # A name that any loop or assignment binds is known everywhere: a tree walk need not know scopes to be safe.
        for name in tree.find_all(nodes.Name):
            if name.ctx == "store":
                self._bound.add(name.name)
        try:
            self._walk(tree, depth=0, loops=0)
        except _TooMuch as error:
            self._faults.append(Fault(1, 1, str(error)))
        return sorted(set(self._faults))

    def fault(self, node: nodes.Node, message: str, needle: str | None = None) -> None:
        """Note a fault at the node's line, at the needle's column."""
        line = cast(int | None, node.lineno) or 1
        self._faults.append(Fault(line, _column(self._source, line, needle), message))

    def _walk(self, node: nodes.Node, *, depth: int, loops: int) -> None:
        self._nodes += 1
        self._loop_nodes += loops > 0
        if self._nodes > MAX_NODES or depth > MAX_NODE_DEPTH or self._loop_nodes > MAX_LOOP_NODES:
            raise _TooMuch("The template has too many tags, or they are nested too deeply.")
        rule = _RULES.get(type(node))
        if rule is None:
            self.fault(node, f"{_describe(node)} cannot be used in a message.", _NEEDLES.get(type(node)))
            return
        rule(self, node)
        if isinstance(node, nodes.For):
            loops += 1
            if loops > MAX_LOOP_DEPTH:
                self.fault(node, f"Loops can be nested {MAX_LOOP_DEPTH} deep.", r"\bfor\b")
        for child in node.iter_child_nodes():
            self._walk(child, depth=depth + 1, loops=loops)

    def name(self, node: nodes.Name) -> None:
        if node.name.startswith("_") or node.name in {"self", "varargs", "kwargs", "caller"}:
            self.fault(
                node, f"{node.name} is not a name that templates may use.", rf"\b{re.escape(node.name)}\b"
            )
        elif self._names is not None and node.ctx == "load" and node.name not in self._known():
            known = ", ".join(sorted(self._names))
            self.fault(
                node,
                f"Nothing is called {node.name} here; there is: {known}.",
                rf"\b{re.escape(node.name)}\b",
            )

    def _known(self) -> set[str]:
        return {*(self._names or ()), *self._bound, "loop"}

    def attribute(self, node: nodes.Getattr) -> None:
        self._field(node, node.node, node.attr)

    def item(self, node: nodes.Getitem) -> None:
        match node.arg:
            case nodes.Const(value=str() as key):
                self._field(node, node.node, key)
            case nodes.Const(value=int()) | nodes.Slice():
                pass
            case _:
                self.fault(node, "Square brackets take a number or a quoted name.", r"\[")

    def _field(self, node: nodes.Node, base: nodes.Expr, field: str) -> None:
        needle = rf"\b{re.escape(field)}\b"
        if field.startswith("_"):
            self.fault(node, f"{field} is not a field that templates may read.", re.escape(field))
            return
        if self._names is None or not isinstance(base, nodes.Name) or base.name in self._bound:
            return
        fields = self._names.get(base.name)
        if fields is not None and field not in fields:
            known = ", ".join(sorted(fields))
            self.fault(node, f"{base.name} has no field {field}; it has: {known}.", needle)

    def slice(self, node: nodes.Slice) -> None:
        for bound in (node.start, node.stop, node.step):
            if bound is not None and not isinstance(bound, nodes.Const | nodes.Neg):
                self.fault(node, "The bounds of a slice are plain numbers.", r"\[")

    def const(self, node: nodes.Const) -> None:
        if isinstance(node.value, int | float) and not abs(node.value) <= MAX_NUMBER:
            self.fault(node, "The number is too large.", r"\d")

    def filter(self, node: nodes.Filter) -> None:
        needle = rf"\|\s*{re.escape(node.name)}\b"
        if node.name not in FILTERS:
            self.fault(
                node, f"There is no filter {node.name}; there is: {', '.join(sorted(FILTERS))}.", needle
            )
        elif node.dyn_args is not None or node.dyn_kwargs is not None or node.kwargs or node.node is None:
            self.fault(node, f"The filter {node.name} takes plain values only.", needle)
        elif problem := _argument_problem(node):
            self.fault(node, problem, needle)

    def test(self, node: nodes.Test) -> None:
        if node.name not in TESTS or node.dyn_args is not None or node.dyn_kwargs is not None or node.kwargs:
            self.fault(node, f"There is no test {node.name} here.", rf"\b{re.escape(node.name)}\b")

    def loop(self, node: nodes.For) -> None:
        if node.recursive or not isinstance(node.target, nodes.Name):
            self.fault(node, "A loop has one name and is not recursive.", r"\bfor\b")
        if path_of(node.iter) is None and not isinstance(node.iter, nodes.List):
            self.fault(node, "A loop runs over a list of the context.", r"\bin\b")

    def assign(self, node: nodes.Assign) -> None:
        if not isinstance(node.target, nodes.Name):
            self.fault(node, "set takes one name.", r"\bset\b")
        # An assignment that can make its value longer doubles it when it is repeated.
        if any(True for _ in node.node.find_all((nodes.List, nodes.Tuple))) or isinstance(
            node.node, nodes.List
        ):
            self.fault(node, "set takes a plain value.", r"\bset\b")

    def items(self, node: nodes.List | nodes.Tuple) -> None:
        if any(not isinstance(item, nodes.Const) for item in node.items) or len(node.items) > MAX_LIST_ITEMS:
            self.fault(node, f"A list holds up to {MAX_LIST_ITEMS} plain values.", r"[\[(]")

    def arithmetic(self, node: nodes.Add | nodes.Mul) -> None:
        # With a number on one side the other can only be a number: text would be an error, not a longer text. An
        # integer factor repeats text, so a factor must have a decimal point.
        kinds: Any = (int, float) if isinstance(node, nodes.Add) else float
        sides = (node.left, node.right)
        if not any(isinstance(side, nodes.Const) and isinstance(side.value, kinds) for side in sides):
            needle = r"\+" if isinstance(node, nodes.Add) else r"\*"
            rule = (
                "+ needs a number on one side" if isinstance(node, nodes.Add) else "* needs a number like 1.5"
            )
            self.fault(node, f"{rule}.", needle)

    def modulo(self, node: nodes.Mod) -> None:
        # On text, % is formatting, and its widths are a way to make gigabytes.
        if not (isinstance(node.left, nodes.Getattr) and path_of(node.left.node) == "loop"):
            self.fault(node, "% works on loop counters only.", "%(?!})")


class _TooMuch(Exception):
    """The tree is larger than any message needs."""


def _argument_problem(node: nodes.Filter) -> str | None:
    arguments = [argument.value if isinstance(argument, nodes.Const) else None for argument in node.args]
    constant = all(isinstance(argument, nodes.Const) for argument in node.args)
    match node.name:
        case "default" | "d":
            return None if len(node.args) <= 2 else "default takes one value."
        case "date":
            fmt = arguments[0] if arguments else ""
            fits = isinstance(fmt, str) and len(fmt) <= MAX_DATE_FORMAT and bool(_DATE_FORMAT.fullmatch(fmt))
            return None if fits and len(arguments) <= 1 else "date takes a format like '%d %B %Y'."
        case "round":
            fits = not arguments or (len(arguments) == 1 and arguments[0] in range(11))
            return None if fits and constant else "round takes a number of places up to 10."
        case "join":
            fits = not arguments or (len(arguments) == 1 and len(str(arguments[0])) <= MAX_SEPARATOR)
            return None if fits and constant else "join takes one short separator."
        case "truncate" | "int" | "float":
            return None if constant and len(arguments) <= 4 else f"{node.name} takes plain values."
        case _:
            return None if not node.args else f"{node.name} takes no values."


def _describe(node: nodes.Node) -> str:
    return _WORDS.get(type(node), type(node).__name__.lower())


_WORDS: dict[type[nodes.Node], str] = {
    nodes.Call: "A call, name(…),",
    nodes.CallBlock: "call",
    nodes.Concat: "~",
    nodes.Pow: "**",
    nodes.Dict: "A dict, {…},",
    nodes.Macro: "macro",
    nodes.FromImport: "import",
    nodes.AssignBlock: "set with a block",
    nodes.FilterBlock: "filter with a block",
    nodes.EvalContextModifier: "autoescape",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_NEEDLES: dict[type[nodes.Node], str] = {
    nodes.Call: r"\w\s*\(",
    nodes.Concat: "~",
    nodes.Pow: r"\*\*",
    nodes.Dict: r"(?<!^)\{(?![{%#])",
}


def _allowed(_vetting: _Vetting, _node: nodes.Node) -> None:
    """Nothing to ask of this node itself."""


_RULES: dict[type[nodes.Node], Rule] = {
    **dict.fromkeys(
        (
            nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand,
            nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Sub, nodes.Div, nodes.FloorDiv,
        ),
        _allowed,
    ),
    nodes.Name: _Vetting.name,
    nodes.Const: _Vetting.const,
    nodes.Getattr: _Vetting.attribute,
    nodes.Getitem: _Vetting.item,
    nodes.Slice: _Vetting.slice,
    nodes.Filter: _Vetting.filter,
    nodes.Test: _Vetting.test,
    nodes.For: _Vetting.loop,
    nodes.Assign: _Vetting.assign,
    nodes.List: _Vetting.items,
    nodes.Tuple: _Vetting.items,
    nodes.Add: _Vetting.arithmetic,
    nodes.Mul: _Vetting.arithmetic,
    nodes.Mod: _Vetting.modulo,
}  # fmt: skip


def unguarded_paths(source: str) -> set[str]:
    """The paths that a vetted template prints as they are: nothing stands in when the value is missing."""
    found: set[str] = set()
    _collect_unguarded(HTML.parse(source), frozenset(), found)
    return found


def _collect_unguarded(node: nodes.Node, guarded: frozenset[str], found: set[str]) -> None:
    if isinstance(node, nodes.Output):
        printed = {path for child in node.nodes if (path := _printed_path(child)) is not None}
        found.update(printed - guarded)
        return
    if isinstance(node, nodes.If):
        guarded = guarded | paths(node.test)
    for child in node.iter_child_nodes():
        _collect_unguarded(child, guarded, found)


def _printed_path(node: nodes.Node | None) -> str | None:
    while isinstance(node, nodes.Filter):
        if node.name in {"default", "d"}:
            return None
        node = node.node
    return path_of(node) if node is not None else None
