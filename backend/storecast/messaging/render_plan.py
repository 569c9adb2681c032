"""Render plans: a vetted template, evaluated as far as it does not depend on the recipient.

What depends on nobody is rendered once and encoded once. What remains are values (a field of the recipient, or a text
in its place), which are read without any template code, and holes (other outputs) and blocks (conditions and loops on
the recipient), which one compiled Jinja function yields in order; a message is a copy of the ready pieces with the gaps
filled. A plan's text equals a plain Jinja rendering of the same template, always: a property test holds it to that.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.utils import missing
from markupsafe import escape

from storecast.messaging import quoted_printable, sandbox
from storecast.messaging.sandbox import MAX_OUTPUT_BYTES, TURNS_KEY, MessageEnvironment, TemplateTooLarge

TOKEN = "_token"  # noqa: S105  # the name of a template variable
"""The recipient's tracking token: letters, digits, - and _ only, so it needs no escaping in any encoding."""


_ABSENT = object()
_Read = Callable[[Mapping[str, Any]], object]


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of the recipient's, printed as it is, or the default where there is none."""

    name: str
    read: _Read


def _reader(path: str, default: object = "") -> _Value:
    """Finds what Jinja would: dots reach entries of dicts and nothing else."""
    name, *fields = path.split(".")

    def read_field(recipient: Mapping[str, Any]) -> object:
        # Nearly every one: a field of the customer.
        record = recipient.get(name)
        return record.get(fields[0], default) if type(record) is dict else default

    def read(recipient: Mapping[str, Any]) -> object:
        found = recipient.get(name, _ABSENT)
        for field in fields:
            found = found.get(field, _ABSENT) if type(found) is dict else _ABSENT
        return default if found is _ABSENT else found

    return _Value(name, read_field if len(fields) == 1 else read)


@dataclass(frozen=True, slots=True)
class _Hole:
    """Another output that depends on the recipient: exactly one chunk of the dynamic function."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Control flow that depends on the recipient: chunks up to the next mark."""


@dataclass(frozen=True, slots=True)
class _Token:
    """The recipient's token; needs no template code at all."""


_Part = str | _Value | _Hole | _Block | _Token
Encode = Callable[[str], bytes]


class RenderPlan:
    """A template compiled against what is the same for all recipients. Safe to share between threads."""

    def __init__(
        self,
        source: str,
        env: MessageEnvironment,
        fixed: Mapping[str, Any],
        *,
        around_token: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """``around_token`` names variables that are the token between two fixed texts, such as an address."""
        self._around_token = {TOKEN: ("", ""), **(around_token or {})}
        tree = sandbox.parse(source, env)
        self._env = env
        self._print: Callable[[object], str] = escape if env.autoescape else str
        self._fixed = dict(fixed)
        self._mark = secrets.token_hex(16)
        self._parts: list[_Part] = []
        self.paths: frozenset[str] = frozenset(
            path for path in sandbox.paths(tree) if path.partition(".")[0] not in self._fixed
        )
        self._compile(tree)
        self.block_count = sum(isinstance(part, _Block) for part in self._parts)
        """How many pieces are blocks, which cost a Jinja rendering of their part."""
        self._value_slots: list[tuple[int, _Read]] = []
        self._token_slots: list[int] = []
        self._chunk_slots: list[int] = []
        self._encoded = self._encode_ready_parts()

    @property
    def hole_count(self) -> int:
        """How many pieces are filled for each recipient."""
        return len(self._value_slots) + len(self._token_slots) + len(self._chunk_slots)

    @property
    def needs_jinja(self) -> bool:
        """Whether template code runs for each recipient."""
        return self._root is not None

    @property
    def ready_text(self) -> str | None:
        """The whole text when nothing in it depends on the recipient."""
        return "".join(self._parts) if all(isinstance(part, str) for part in self._parts) else None  # type: ignore[arg-type]

    def text(self, recipient: Mapping[str, Any]) -> str:
        """The rendering for one recipient."""
        chunks = self._chunks(recipient)
        token = recipient.get(TOKEN, "")
        texts = []
        for part in self._parts:
            if isinstance(part, str):
                texts.append(part)
            elif isinstance(part, _Value):
                texts.append(self._print(part.read(recipient)))
            else:
                texts.append(token if isinstance(part, _Token) else next(chunks))
        return "".join(texts)

    def quoted_printable(self, recipient: Mapping[str, Any]) -> list[bytes]:
        """The rendering for one recipient as pieces of a quoted-printable body, to be joined."""
        pieces = self._encoded.copy()
        if self._token_slots:
            token = recipient[TOKEN].encode()
            for slot in self._token_slots:
                pieces[slot] = token
        encode = quoted_printable.encode_value
        for slot, read in self._value_slots:
            value = read(recipient)
            # Letters and digits are themselves in every encoding.
            if type(value) is str and value.isalnum():
                pieces[slot] = encode(value)
            elif type(value) is int:
                pieces[slot] = b"%d" % value
            else:
                pieces[slot] = encode(self._print(value))
        if self._chunk_slots:
            for slot, chunk in zip(self._chunk_slots, self._chunks(recipient), strict=True):
                pieces[slot] = encode(chunk)
        return pieces

    def _chunks(self, recipient: Mapping[str, Any]) -> Iterator[str]:
        if self._root is None:
            return iter(())
        scope = {**self._fixed, **recipient}
        if self.block_count:
            scope[TURNS_KEY] = [0]
        chunks = self._root(Context(self._env, scope, None, {}))
        return self._fold(chunks) if self.block_count else chunks

    def _fold(self, chunks: Iterator[str]) -> Iterator[str]:
        """One chunk per hole and per block: a block's own chunks are joined up to the mark behind it."""
        for kind in self._dynamic:
            if isinstance(kind, _Hole):
                yield next(chunks)
                continue
            parts = []
            size = 0
            for chunk in chunks:
                if chunk == self._mark:
                    break
                size += len(chunk)
                if size > MAX_OUTPUT_BYTES:
                    raise TemplateTooLarge(f"The message is larger than {MAX_OUTPUT_BYTES:,} bytes.")
                parts.append(chunk)
            yield "".join(parts)

    def _compile(self, tree: nodes.Template) -> None:
        assigned = {name.name for node in tree.find_all(nodes.Assign) for name in _names(node.target)}
        known = self._fixed.keys() - assigned
        dynamic: list[nodes.Node] = []
        ready: list[nodes.Node] = []
        for node in _flatten(tree):
            if isinstance(node, nodes.Assign):
                dynamic.append(node)
            elif _depends(node, known):
                self._render_ready(ready)
                self._add_dynamic(node, dynamic, assigned)
            else:
                ready.append(node)
        self._render_ready(ready)
        self._dynamic = [part for part in self._parts if isinstance(part, _Hole | _Block)]
        self._root = self._compile_root(dynamic) if self._dynamic else None

    def _add_dynamic(self, node: nodes.Node, dynamic: list[nodes.Node], assigned: set[str]) -> None:
        if isinstance(node, nodes.Output) and isinstance(node.nodes[0], nodes.Name):
            around = self._around_token.get(node.nodes[0].name)
            if around is not None:
                self._add_text(around[0])
                self._parts.append(_Token())
                self._add_text(around[1])
                return
        value = _value_of(node)
        if value is not None and value.name not in assigned:
            self._parts.append(value)
            return
        dynamic.append(node)
        if isinstance(node, nodes.Output):
            self._parts.append(_Hole())
        else:
            self._parts.append(_Block())
            mark = nodes.TemplateData(self._mark, lineno=node.lineno)
            dynamic.append(nodes.Output([mark], lineno=node.lineno))

    def _render_ready(self, ready: list[nodes.Node]) -> None:
        if not ready:
            return
        template = self._env.from_string(self._template(ready))
        text = "".join(sandbox.counted(template.generate({**self._fixed, TURNS_KEY: [0]})))
        ready.clear()
        self._add_text(text)

    def _add_text(self, text: str) -> None:
        if not text:
            return
        if self._parts and isinstance(self._parts[-1], str):
            self._parts[-1] += text
        else:
            self._parts.append(text)

    def _compile_root(self, body: list[nodes.Node]) -> Callable[[Context], Iterator[str]]:
        namespace: dict[str, Any] = {"environment": self._env, "__file__": "<plan>"}
        exec(self._env.compile(self._template(body)), namespace)  # noqa: S102  # Jinja's own way to load its code
        root = namespace["root"]
        return lambda context: root(context, missing, self._env)

    def _template(self, body: list[nodes.Node]) -> nodes.Template:
        template = nodes.Template(list(body), lineno=1)
        template.set_environment(self._env)
        return template

    def _encode_ready_parts(self) -> list[bytes]:
        encoded: list[bytes] = []
        for position, part in enumerate(self._parts):
            last = position == len(self._parts) - 1
            if isinstance(part, str):
                piece = quoted_printable.encode(part)
                encoded.append(piece if last else piece + quoted_printable.SOFT_BREAK)
                continue
            if isinstance(part, _Value):
                self._value_slots.append((len(encoded), part.read))
            else:
                (self._token_slots if isinstance(part, _Token) else self._chunk_slots).append(len(encoded))
            encoded.append(b"")
            if not last:
                encoded.append(quoted_printable.SOFT_BREAK)
        return encoded


def _value_of(node: nodes.Node) -> _Value | None:
    """What an output prints, when that is a field of the recipient, at most with a ``default``."""
    expression = node.nodes[0] if isinstance(node, nodes.Output) else None
    if isinstance(expression, nodes.Filter):
        match expression:
            case nodes.Filter(
                node=inner, name="default" | "d", args=[nodes.Const(value=default)], kwargs=[], dyn_args=None
            ) if isinstance(inner, nodes.Expr):
                path = sandbox.path_of(inner)
                return _reader(path, default) if path is not None else None
        return None
    path = sandbox.path_of(expression) if expression is not None else None
    return _reader(path) if path is not None else None


def _names(target: nodes.Node) -> list[nodes.Name]:
    return [target] if isinstance(target, nodes.Name) else list(target.find_all(nodes.Name))


def _flatten(tree: nodes.Template) -> Iterator[nodes.Node]:
    """The statements of a template, each output apart."""
    for node in tree.body:
        if isinstance(node, nodes.Output):
            for child in node.nodes:
                yield nodes.Output([child], lineno=child.lineno or node.lineno)
        else:
            yield node


def _depends(node: nodes.Node, known: set[str]) -> bool:
    """Whether a node reads a name that is not known before the recipient is, or sets one that others read."""
    if isinstance(node, nodes.Output) and isinstance(node.nodes[0], nodes.TemplateData):
        return False
    if any(True for _ in node.find_all(nodes.Assign)):
        return True
    return any(path.partition(".")[0] not in known for path in sandbox.paths(node))
