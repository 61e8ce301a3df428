"""One policy, read: its Cedar, its annotations, what it looks at and what it could ever apply to."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from arengo.errors import Place, PolicyError
from arengo.governance.decision import Mask
from arengo.governance.policy import annotation
from arengo.governance.policy.schema import ACTIONS, READ, SEE, SHAPE, Thing, Uid

if TYPE_CHECKING:
    from cedarpy import pst

LONGEST = 4000
"""Characters of one annotation."""
DEEPEST, MOST = 50, 400
"""Brackets inside each other, and operators of one policy. Cedar's parser recurses on both, and a few thousand end the
process with an exhausted stack; what is refused here it would refuse (at a hundred levels), if it got that far."""
_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"?|//[^\n]*')
_OPERATORS = re.compile(r"&&|\|\||[-+*!.<>=\[{(]|\b(?:if|in|like|has|is)\b")
_NAMED = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One is equal to itself only: its tree is deep, and sets of policies are made at every decision.

    ``id``: owner and name, ``city/...`` for the whole city. ``owner``: '' for the whole city.

    ``masks``: (column, mask), the column '' where the policy is about columns by itself. ``looks``: attributes of the
    context it depends on. ``moments``: the times it names. ``template``: its tree (cedarpy.pst).
    """

    id: str
    owner: str
    file: str
    line: int
    text: str
    effect: str
    actions: frozenset[str]
    reason: str
    columns: tuple[str, ...]
    masks: tuple[tuple[str, Mask], ...]
    rows: str
    obligations: tuple[str, ...]
    looks: frozenset[str]
    moments: tuple[datetime, ...]
    template: pst.Template

    @property
    def place(self) -> Place:
        return Place(file=self.file, line=self.line)


def statements(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each policy of a file; the last one may lack its semicolon, so that the parser says so."""
    start, line, begun = 0, 1, 0
    at, size = 0, len(text)
    while at < size:
        mark = text[at]
        if mark == "\n":
            line += 1
        elif text.startswith("//", at):
            end = text.find("\n", at)
            at = size if end < 0 else end
            if not begun:
                start = at
            continue
        elif mark == '"':
            begun = begun or line
            end = at + 1
            while end < size and text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            line += text.count("\n", at, end)
            at = end
        elif mark == ";":
            yield begun or line, text[start : at + 1].strip()
            start, begun = at + 1, 0
        elif not mark.isspace() and not begun:
            begun, start = line, at
        at += 1
    if begun and text[start:].strip():
        yield begun, text[start:].strip()


def read(owner: str, file: str, line: int, text: str) -> Policy:
    """A policy of one statement. Raises PolicyError with its place."""
    import cedarpy

    place = Place(file=file, line=line)
    if too_deep(text):
        raise PolicyError("The policy that begins here is too long or too deep.",
                          todo=f"Write several: at most {MOST} operators, {DEEPEST} brackets inside each other.",
                          place=place)  # fmt: skip
    try:
        made = cedarpy.PolicySet.from_str(text).to_pst()
    except ValueError as error:
        raise PolicyError(
            f"The policy that begins here cannot be read: {error}.", todo=_syntax(text, str(error)), place=place
        ) from None
    if made.templates:
        raise PolicyError("A policy with ?principal or ?resource is never filled in here.",
                          todo="Name who and what, or leave them open.", place=place)  # fmt: skip
    (template,) = made.static_policies.values()
    try:
        return _policy(owner, file, line, text, template)
    except ValueError as error:
        raise PolicyError(str(error), todo=_todo(error), place=place) from None


def too_deep(text: str) -> bool:
    """Whether a policy could exhaust the parser's stack."""
    bare = _TEXTS.sub("", text)
    depth = deepest = 0
    for mark in bare:
        depth += (mark in "([{") - (mark in ")]}")
        deepest = max(deepest, depth)
    return deepest > DEEPEST or len(_OPERATORS.findall(bare)) > MOST


def read_all(owner: str, file: str, text: str) -> Iterator[Policy]:
    """The policies of a file, parsed at once where it is sound. Raises PolicyError for the first that is not."""
    import cedarpy

    found = list(statements(text))
    made = None
    if not any(too_deep(part) for _, part in found):
        with suppress(ValueError):
            made = cedarpy.PolicySet.from_str("\n".join(part for _, part in found)).to_pst()
    whole = made is not None and not made.templates and len(made.static_policies) == len(found)
    for number, (line, part) in enumerate(found):
        if made is None or not whole:
            yield read(owner, file, line, part)
            continue
        try:
            yield _policy(owner, file, line, part, made.static_policies[f"policy{number}"])
        except ValueError as error:
            raise PolicyError(str(error), todo=_todo(error), place=Place(file=file, line=line)) from None


def _syntax(text: str, met: str) -> str:
    if not text.rstrip().endswith(";"):
        return "A policy ends with a semicolon."
    if "end of input" in met:
        return "A bracket or quote is open, or something is missing before the semicolon."
    return 'A policy is: @id("...") @reason("...") permit or forbid (principal, action, resource) when { ... };'


class _Problem(ValueError):
    def __init__(self, met: str, todo: str = "") -> None:
        super().__init__(met)
        self.todo = todo


def _todo(error: ValueError) -> str:
    return error.todo if isinstance(error, _Problem) else ""


def _policy(owner: str, file: str, line: int, text: str, template: pst.Template) -> Policy:
    said = {name: str(value) for name, value in template.annotations.items()}
    _annotations(said)
    actions = _actions(template)
    permit = template.effect == "permit"
    name = said["id"]
    _combination(said, permit, actions, owner, template)
    about_columns = READ not in actions and is_column(template)
    looks = frozenset(looks_of(template.clauses))
    return Policy(
        f"{owner or 'city-wide'}/{name}",
        owner,
        file,
        line,
        text,
        template.effect,
        actions,
        said["reason"].strip(),
        annotation.read_columns(said["columns"]) if "columns" in said else (),
        annotation.read_masks(said["mask"], named=not about_columns) if "mask" in said else (),
        annotation.read_rows(said["rows"]) if "rows" in said else "",
        (said["oblige"].strip(),) if "oblige" in said else (),
        looks,
        tuple(sorted(_moments(template.clauses))),
        template,
    )


def _annotations(said: Mapping[str, str]) -> None:
    for name, value in said.items():
        if name not in annotation.KNOWN:
            close = difflib.get_close_matches(name, annotation.KNOWN, 1)
            raise _Problem(
                f"There is no annotation @{name}.",
                f"Did you mean @{close[0]}?" if close else f"There are {', '.join(annotation.KNOWN)}.",
            )
        if not value.strip():
            raise _Problem(f"@{name} is empty.", "Write what it says, or leave it out.")
        if len(value) > LONGEST or any(ord(mark) < 32 and mark not in "\n\t" for mark in value):
            raise _Problem(f"@{name} is longer than {LONGEST} characters, or holds control characters.")
    if "id" not in said:
        raise _Problem("The policy has no @id.", 'Give it a name of its own: @id("readers-see-classes").')
    if not _NAMED.fullmatch(said["id"]):
        raise _Problem(f"The @id {said['id'][:80]!r} is no name.", "Use small letters, digits, dots and hyphens.")
    if "reason" not in said:
        raise _Problem("The policy has no @reason.", "Write a sentence for whoever meets it, in @reason.")


def _combination(
    said: Mapping[str, str], permit: bool, actions: frozenset[str], owner: str, template: pst.Template
) -> None:
    from cedarpy import pst

    shapes = SHAPE in actions and permit
    if permit and isinstance(template.action, pst.ScopeAny):
        raise _Problem("A permit has to say what it permits.", 'Write action == Action::"read", for example.')
    if shapes and actions != {SHAPE}:
        raise _Problem("The action shape does not go together with others.", "Write two policies.")
    if not permit and actions == {SHAPE}:
        raise _Problem("shape gives nothing, so it cannot be forbidden.", "Forbid read or see-column.")
    if shapes and not {"mask", "rows", "oblige"} & set(said):
        raise _Problem("A policy of the action shape has no @mask, @rows or @oblige.", "Say how things are shown.")
    for name in ("mask", "rows", "oblige", "columns"):
        if name in said and not permit:
            raise _Problem(
                f"A forbid takes away whole, so it has no @{name}.",
                'To show less, write a permit of action == Action::"shape".',
            )
    if "columns" in said and actions != {READ}:
        raise _Problem("@columns belongs to a permit of the action read.", "Name columns in the policy's resource.")
    if permit and not shapes:
        if not owner:
            raise _Problem(
                "A city-wide policy may only take away; what is given is the owner's to give.",
                "Move it to policies/ORGANISATION/ of the organisation that answers for the data.",
            )
        who = template.principal
        if isinstance(who, pst.ScopeAny) or (isinstance(who, pst.ScopeIs) and who.entity_type.basename == "Anyone"):
            raise _Problem(
                "This would give the data to everyone, strangers too.",
                "Say who: principal in Role::..., in Organisation::..., is Person. "
                "Data for everyone is declared open in its contract.",
            )


def _actions(template: pst.Template) -> frozenset[str]:
    from cedarpy import pst

    scope = template.action
    if isinstance(scope, pst.ActionEq):
        return frozenset({scope.entity.id})
    if isinstance(scope, pst.ActionIn):
        return frozenset(item.id for item in scope.entities)
    return frozenset(ACTIONS)


def is_column(template: pst.Template) -> bool:
    """Whether a policy is about columns by itself, so that its @mask names none."""
    from cedarpy import pst

    if _actions(template) == {SEE}:
        return True
    scope = template.resource
    if isinstance(scope, (pst.ScopeIs, pst.ScopeIsIn)):
        return scope.entity_type.basename == "Column"
    return isinstance(scope, pst.ScopeEq) and getattr(scope.entity, "type", None) == pst.EntityType("Column")


# What a policy depends on


def walk(node: Any) -> Iterator[Any]:
    """Every node of a tree, itself included."""
    waiting = [node]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, tuple):
            waiting.extend(value)
        elif is_dataclass(value) and not isinstance(value, type):
            yield value
            waiting.extend(getattr(value, item.name) for item in fields(value))


def looks_of(node: Any) -> Iterator[str]:
    """``zone``, ``time.hour``, ...; ``*`` for the context as a whole."""
    from cedarpy import pst

    inner: set[int] = set()
    found: list[Any] = list(walk(node))
    for item in found:
        path = path_of(item)
        if path and path[0] == "context":
            base = item
            while isinstance(base, pst.GetAttr):
                base = base.base
                inner.add(id(base))
    for item in found:
        path = path_of(item)
        if path and path[0] == "context" and id(item) not in inner:
            yield ".".join(path[1:]) or "*"


def path_of(node: Any) -> tuple[str, ...]:
    """``context.time.hour`` as its parts, () for another node."""
    from cedarpy import pst

    parts: list[str] = []
    while isinstance(node, pst.GetAttr):
        parts.append(node.attr)
        node = node.base
    return (node.name, *reversed(parts)) if isinstance(node, pst.Var) else ()


def _moments(node: Any) -> Iterator[datetime]:
    from cedarpy import pst

    for item in walk(node):
        if isinstance(item, pst.UnaryOp) and item.op == "datetime" and isinstance(item.arg, pst.StringLit):
            try:
                moment = datetime.fromisoformat(item.arg.value.replace("Z", "+00:00"))
            except ValueError:
                continue  # Cedar knows more forms; such a policy is asked again every minute
            yield moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# What it could ever apply to


def conjuncts(template: pst.Template) -> Iterator[tuple[bool, Any]]:
    """(wanted, expression) parts that must all hold: ``when {a && b}`` gives a, b; ``unless {c || d}`` not c, not d."""
    from cedarpy import pst

    for clause in template.clauses:
        wanted = isinstance(clause, pst.When)
        waiting = [clause.expr]
        while waiting:
            expr = waiting.pop(0)
            if isinstance(expr, pst.BinaryOp) and expr.op == ("and" if wanted else "or"):
                waiting[:0] = [expr.left, expr.right]
            elif isinstance(expr, pst.UnaryOp) and expr.op == "not":
                yield not wanted, expr.arg
            else:
                yield wanted, expr


def could_apply(policy: Policy, thing: Thing) -> bool:
    """False when the policy's resource and fixed conditions exclude the thing, whoever asks. Never wrongly False."""
    if not _in_scope(policy.template.resource, thing):
        return False
    return all(_fixed(expr, thing) in (None, wanted) for wanted, expr in conjuncts(policy.template))


def _in_scope(scope: Any, thing: Thing) -> bool:
    from cedarpy import pst

    kind = getattr(scope, "entity_type", None)
    if kind is not None and str(kind) != thing.uid[0]:
        return False
    if isinstance(scope, pst.ScopeEq):
        return uid_of(scope.entity) == thing.uid
    if isinstance(scope, (pst.ScopeIn, pst.ScopeIsIn)):
        return uid_of(scope.entity) in thing.above
    return True


def uid_of(entity: Any) -> Uid:
    """As (type, id)."""
    return (str(entity.type), str(entity.id))


def _fixed(expr: Any, thing: Thing) -> bool | None:
    """What an expression about the resource alone is, None when it is not that simple."""
    from cedarpy import pst

    if isinstance(expr, pst.Is) and expr.in_expr is None and isinstance(expr.base, pst.Var):
        return str(expr.entity_type) == thing.uid[0] if expr.base.name == "resource" else None
    path = path_of(expr)
    if path[:1] == ("resource",) and len(path) == 2:
        value = thing.attributes.get(path[1])
        return value if isinstance(value, bool) else None
    if not isinstance(expr, pst.BinaryOp):
        return None
    path = path_of(expr.left)
    literal = expr.right.value if isinstance(expr.right, (pst.StringLit, pst.BoolLit)) else None
    if path[:1] != ("resource",) or len(path) != 2 or literal is None or path[1] not in thing.attributes:
        return None
    value = thing.attributes[path[1]]
    if expr.op in ("eq", "not_eq"):
        return (value == literal) is (expr.op == "eq")
    return literal in value if expr.op == "contains" and isinstance(value, tuple) else None
