"""A condition of a policy in words, for people who do not read Cedar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arengo.governance.caller import ASSURANCE
from arengo.governance.policy.rule import Policy, conjuncts, looks_of, path_of

_NAMES = {
    ("context", "assurance"): "the assurance of the login",
    ("context", "zone"): "the network zone",
    ("context", "purpose", "id"): "the purpose",
    ("context", "purpose", "dpv"): "the kind of purpose",
    ("context", "purpose", "legalBasis"): "the legal basis",
    ("context", "agreement", "id"): "the agreement",
    ("context", "agreement", "state"): "the state of the agreement",
    ("context", "agreement", "plan"): "the plan",
    ("context", "time", "hour"): "the hour",
    ("context", "time", "weekday"): "the weekday",
    ("context", "time", "date"): "the date",
    ("context", "time", "now"): "the time",
    ("resource", "access"): "the dataset's access",
    ("resource", "theme"): "the dataset's theme",
    ("resource", "personal"): "the data is about persons",
    ("resource", "owner"): "the organisation that answers for it",
    ("resource", "classification"): "the column's classification",
    ("resource", "privacyRole"): "the column's privacy role",
    ("resource", "personalKind"): "the column's kind of personal data",
    ("resource", "kind"): "the column's type",
    ("resource", "tags"): "its tags",
    ("resource", "classifications"): "the classifications of its columns",
}
_WORDS = {
    "eq": ("is", "is not"),
    "not_eq": ("is not", "is"),
    "less": ("is below", "is not below"),
    "less_eq": ("is at most", "is above"),
    "greater": ("is above", "is at most"),
    "greater_eq": ("is at least", "is below"),
    "contains": ("has", "has not"),
    "in": ("is in", "is not in"),
}
_DAYS = ("", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MARKS = {"eq": "==", "not_eq": "!=", "less": "<", "less_eq": "<=", "greater": ">", "greater_eq": ">=",
          "and": "&&", "or": "||", "in": "in", "add": "+", "sub": "-", "mul": "*"}  # fmt: skip


UNKNOWN = ("assurance", "zone", "time")
"""What of the context is not known before somebody asks."""


def conditions(policy: Policy) -> tuple[str, ...]:
    """Every condition as words that say when it holds."""
    return tuple(words(expr, wanted) for wanted, expr in conjuncts(policy.template))


def depends(expr: Any, unknown: Sequence[str] = UNKNOWN) -> bool:
    """Whether an expression looks at what only a request says."""
    return any(item == "*" or item.split(".")[0] in unknown for item in looks_of(expr))


def words(expr: Any, wanted: bool = True) -> str:
    """An expression as words; ``wanted`` False for its opposite."""
    from cedarpy import pst

    if isinstance(expr, pst.UnaryOp) and expr.op == "not":
        return words(expr.arg, not wanted)
    if isinstance(expr, pst.BinaryOp) and expr.op in ("and", "or"):
        joined = "and" if (expr.op == "and") is wanted else "or"
        sides = [words(side, wanted) for side in (expr.left, expr.right)]
        return f" {joined} ".join(f"({side})" if _mixed(side, joined) else side for side in sides)
    if isinstance(expr, pst.BinaryOp) and expr.op in _WORDS:
        verb = _WORDS[expr.op][0 if wanted else 1]
        return f"{_term(expr.left)} {verb} {_value(expr.left, expr.right)}"
    if isinstance(expr, pst.Is):
        return f"{_term(expr.base)} is {'' if wanted else 'not '}a {str(expr.entity_type).lower()}"
    if path_of(expr) == ("resource", "personal"):
        return "the data is about persons" if wanted else "the data is not about persons"
    return _cedar(expr) if wanted else f"not ({_cedar(expr)})"


def _mixed(side: str, joined: str) -> bool:
    return f" {'or' if joined == 'and' else 'and'} " in side


def _term(expr: Any) -> str:
    path = path_of(expr)
    if path == ("principal",):
        return "who asks"
    if path == ("resource",):
        return "what is asked"
    if path[:2] == ("resource", "dataset") and len(path) == 3:
        return _NAMES.get(("resource", path[2]), _cedar(expr))
    return _NAMES.get(path, _cedar(expr))


def _value(left: Any, right: Any) -> str:
    from cedarpy import pst

    path = path_of(left)
    if isinstance(right, pst.LongLit):
        if path == ("context", "assurance") and 0 < right.value < len(ASSURANCE):
            return ASSURANCE[right.value]
        if path == ("context", "time", "weekday") and 0 < right.value < len(_DAYS):
            return _DAYS[right.value]
        if path == ("context", "time", "hour"):
            return f"{right.value}:00"
    if isinstance(right, pst.StringLit):
        return right.value or "empty"
    if isinstance(right, pst.UnaryOp) and right.op == "datetime" and isinstance(right.arg, pst.StringLit):
        return right.arg.value
    if isinstance(right, pst.EntityLit):
        return f"{str(right.value.type).lower()} {right.value.id}"
    return _term(right)


def _cedar(expr: Any) -> str:
    """Nearly Cedar again, for what has no words."""
    from cedarpy import pst

    path = path_of(expr)
    if path:
        return ".".join(path)
    if isinstance(expr, (pst.StringLit, pst.LongLit)):
        return repr(expr.value) if isinstance(expr, pst.LongLit) else f'"{expr.value}"'
    if isinstance(expr, pst.BoolLit):
        return str(expr.value).lower()
    if isinstance(expr, pst.EntityLit):
        return str(expr.value)
    if isinstance(expr, pst.BinaryOp):
        mark = _MARKS.get(expr.op)
        if mark:
            return f"{_cedar(expr.left)} {mark} {_cedar(expr.right)}"
        return f"{_cedar(expr.left)}.{_camel(expr.op)}({_cedar(expr.right)})"
    if isinstance(expr, pst.UnaryOp):
        return f"!({_cedar(expr.arg)})" if expr.op == "not" else f"{_camel(expr.op)}({_cedar(expr.arg)})"
    if isinstance(expr, pst.Set):
        return f"[{', '.join(map(_cedar, expr.elements))}]"
    if isinstance(expr, pst.Like):
        pattern = "".join(item.value if isinstance(item, pst.Char) else "*" for item in expr.pattern)
        return f'{_cedar(expr.base)} like "{pattern}"'
    if isinstance(expr, pst.IfThenElse):
        return f"if {_cedar(expr.cond)} then {_cedar(expr.then_expr)} else {_cedar(expr.else_expr)}"
    if isinstance(expr, pst.HasAttr):
        return f"{_cedar(expr.base)} has {'.'.join(expr.attrs)}"
    if isinstance(expr, pst.GetAttr):
        return f"{_cedar(expr.base)}.{expr.attr}"
    return "a condition of the policy"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def who(policy: Policy) -> str:
    """The principal of a policy in words."""
    from cedarpy import pst

    scope = policy.template.principal
    entity = getattr(scope, "entity", None)
    kind = str(getattr(scope, "entity_type", "") or "").lower()
    if entity is None:
        return f"every {kind}" if kind and kind != "anyone" else "strangers" if kind else "everybody"
    name = f"{str(entity.type).lower()} {entity.id}"
    if str(entity.type) == "Role":
        organisation, _, role = entity.id.rpartition("/")
        name = f"every {role} of {'any organisation' if organisation == '*' else organisation}"
    elif not isinstance(scope, pst.ScopeEq):
        name = f"every {kind or 'person and application'} of {entity.id}"
    return name
