"""What is left of a ground for reading after every policy had its say: columns, rows, masks, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from arengo.governance.decision import Decision, Mask, fingerprint
from arengo.governance.policy.ground import Ground

if TYPE_CHECKING:
    from arengo.governance.policy.book import Answers
    from arengo.governance.policy.rule import Policy


@dataclass(frozen=True, slots=True)
class ColumnOutcome:
    """What one column shows: ``masks`` in the order they are applied; why, and by which agreement or policy."""

    column: str
    granted: bool
    masks: tuple[Mask, ...]
    reason: str
    rule: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, column by column. ``policies``: ids and reasons of those that had a part in it."""

    decision: Decision
    columns: tuple[ColumnOutcome, ...]
    policies: tuple[tuple[str, str], ...] = ()


def weigh(
    names: Sequence[str],
    base: Ground,
    answers: Answers | None = None,
    *,
    stranger: bool = False,
    looks: Callable[[str], frozenset[str]] = lambda text: frozenset(),
) -> Explanation:
    """What is left of a ground, or given by permits where there is none, after every policy had its say.

    ``looks``: the columns a row filter looks at. An agreement's filter on a column that a policy withholds or blurs
    would tell of it row by row, so it closes the data.
    """
    if answers is None:
        return _explanation(names, base, {}, {}, ())
    broken = [*answers.read.broken, *answers.shape.broken]
    broken += [item for part in (answers.see, answers.blur) for found in part.values() for item in found.broken]
    if broken:
        first = broken[0]
        met = f"Policy {first.id} cannot be worked out for this request, so nothing is shown."
        todo = f"Tell {first.owner or 'the city'}; it stands in {first.file}, line {first.line}."
        return _explanation(names, _refused(base, met, first, todo), {}, {}, (first,))
    if not base.kind and not base.final and not stranger:
        base = _given(names, base, answers)
    if answers.read.forbids:
        first = answers.read.forbids[0]
        if base.kind:
            base = _refused(base, first.reason, first, f"{first.owner or 'The city'} made this rule.")
        return _explanation(names, base, {}, {}, answers.read.forbids)
    taken = {name: found.forbids for name, found in answers.see.items() if found.forbids}
    if base.kind == "agreement" and base.rows:
        held = {name: found[0] for name, found in taken.items()}
        held |= {name: found.permits[0] for name, found in answers.blur.items() if found.permits}
        held |= {name: item for item in answers.shape.permits for name, _ in item.masks}
        for name in sorted({name for text in base.rows for name in looks(text)} & set(held)):
            met = f"The agreement chooses rows by a column that a rule withholds or blurs: {held[name].reason}"
            closed = _refused(base, met, held[name], "Ask for it anew without that filter.")
            return _explanation(names, closed, taken, {}, (held[name],))
    shown = base.columns - set(taken)
    if base.kind and not shown and taken:
        first = next(iter(taken.values()))[0]
        base = _refused(base, first.reason, first, f"{first.owner or 'The city'} made this rule.")
        return _explanation(names, base, taken, {}, (first,))
    return _shaped(names, replace(base, columns=shown), answers, taken)


def _given(names: Sequence[str], base: Ground, answers: Answers) -> Ground:
    """What the owner's permits give to somebody who has no other ground."""
    columns: set[str] = set()
    used: list[Policy] = []
    masks: list[tuple[str, Mask]] = []
    for item in answers.read.permits:
        columns |= set(item.columns or names) & set(names)
        masks += item.masks
        used.append(item)
    for name, found in answers.see.items():
        for item in found.permits:
            columns.add(name)
            masks += [(column or name, mask) for column, mask in item.masks]
            used.append(item)
    if not columns:
        return base
    used = list(dict.fromkeys(used))
    return replace(
        base,
        kind="policy",
        reason=used[0].reason,
        rule=_rules(used),
        columns=frozenset(columns),
        rows=tuple(dict.fromkeys(item.rows for item in used if item.rows)),
        masks=tuple(dict.fromkeys(masks)),
        obligations=tuple(dict.fromkeys(text for item in used for text in item.obligations)),
        expires=None,
        agreement="",
        state="",
        todo="",
    )


def _shaped(names: Sequence[str], base: Ground, answers: Answers, taken: Mapping[str, Sequence[Policy]]) -> Explanation:
    if not base.kind:
        return _explanation(names, base, taken, {}, ())
    by_column: dict[str, list[Policy]] = {}
    masks, rows, promises = list(base.masks), list(base.rows), list(base.obligations)
    used: list[Policy] = []
    for item in answers.shape.permits:
        for column, mask in item.masks:
            if column in base.columns:
                masks.append((column, mask))
                by_column.setdefault(column, []).append(item)
        if item.rows or item.obligations or any(column in base.columns for column, _ in item.masks):
            used.append(item)
    for name, found in answers.blur.items():
        for item in found.permits if name in base.columns else ():
            masks += [(name, mask) for _, mask in item.masks]
            by_column.setdefault(name, []).append(item)
            used.append(item)
    used = list(dict.fromkeys(used))
    rows += [item.rows for item in used if item.rows]
    promises += [text for item in used for text in item.obligations]
    away = list(dict.fromkeys(item for name in taken if name in names for item in taken[name]))
    rules = [base.rule, *(_rules([item]) for item in (*used, *away))]
    said = [base.reason]
    if away:
        said.append(_sentence(away[0].reason))
    elif used:
        said.append(_sentence(used[0].reason))
    shaped = replace(
        base,
        masks=tuple(dict.fromkeys(masks)),
        rows=tuple(dict.fromkeys(rows)),
        obligations=tuple(dict.fromkeys(promises)),
        rule="; ".join(dict.fromkeys(rules)),
        reason=" ".join(dict.fromkeys(said)),
    )
    return _explanation(names, shaped, taken, by_column, (*used, *away))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _rules(policies: Sequence[Policy]) -> str:
    return "; ".join(f"policy {item.id}" for item in policies)


def _refused(base: Ground, reason: str, policy: Policy, todo: str) -> Ground:
    return replace(
        base, kind="", reason=_sentence(reason), rule=_rules([policy]), columns=frozenset(), rows=(), masks=(),
        obligations=(), todo=todo, final=True,
    )  # fmt: skip


def _explanation(
    names: Sequence[str],
    base: Ground,
    taken: Mapping[str, Sequence[Policy]],
    blurred: Mapping[str, Sequence[Policy]],
    used: Sequence[Policy],
) -> Explanation:
    decision = _decision(base)
    out = []
    for name in names:
        masks = tuple(mask for column, mask in decision.masks if column == name)
        if name in decision.columns:
            by = list(blurred.get(name, ()))
            reason = _sentence(by[0].reason) if by else base.reason
            rule = "; ".join([base.rule.partition("; policy ")[0], _rules(by)] if by else [base.rule])
        elif name in taken and base.kind:
            reason, rule = _sentence(taken[name][0].reason), _rules(taken[name])
        elif base.kind == "agreement":
            reason, rule = f"Agreement {base.agreement} does not name this column.", f"agreement {base.agreement}"
        elif base.kind:
            reason, rule = "No policy gives this column.", base.rule
        else:
            reason, rule = base.reason, base.rule
        out.append(ColumnOutcome(name, name in decision.columns, masks, reason, rule))
    return Explanation(decision, tuple(out), tuple(dict.fromkeys((item.id, item.reason) for item in used)))


def _decision(base: Ground) -> Decision:
    masks = tuple((column, mask) for column, mask in base.masks if column in base.columns)
    whole = base.kind in ("open", "city") and not base.rows and not masks
    made = Decision(
        bool(base.kind),
        base.reason,
        base.rule,
        base.columns if base.kind else frozenset(),
        fingerprint("open-2", base.access, *sorted(base.columns)) if whole else "",
        base.rows,
        masks,
        base.obligations,
        base.kind == "open",
        base.purpose,
        base.agreement,
        base.recipient,
        base.expires,
        base.todo,
    )
    return made if whole else replace(made, fingerprint=_mark(made))


def _mark(decision: Decision) -> str:
    """Equal for equal grants; where there are pseudonyms, equal for one reader and purpose only."""
    keyed = any(mask.kind == "pseudonym" for _, mask in decision.masks)
    secret = (decision.agreement, decision.purpose, decision.recipient) if keyed else ()
    return fingerprint("city-1", decision.allowed, sorted(decision.columns), decision.rows, decision.masks, secret)


def with_masks(made: Explanation, masks: tuple[tuple[str, Mask], ...]) -> Explanation:
    """The same with other masks."""
    decision = replace(made.decision, masks=masks)
    columns = tuple(
        replace(item, masks=tuple(mask for name, mask in masks if name == item.column)) for item in made.columns
    )
    return replace(made, decision=replace(decision, fingerprint=_mark(decision)), columns=columns)
