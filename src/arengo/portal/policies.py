"""The rules in force, readable by everybody: what each gives, takes away or blurs, for whom, when, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from arengo.errors import PolicyError
from arengo.governance.caller import Caller
from arengo.governance.policy import phrase
from arengo.governance.policy.book import fingerprint_of, folder
from arengo.governance.policy.force import in_force, taken_at
from arengo.governance.policy.rule import Policy, uid_of
from arengo.governance.policy.schema import SHAPE
from arengo.portal.account import role_words
from arengo.portal.agreement_story import Names
from arengo.portal.agreement_words import masks_words
from arengo.portal.operator import is_operator
from arengo.portal.visit import Visit

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.governance.policy.trial import Result

WATCHES = ("steward", "auditor", "administrator")
TESTS = 500
"""Most tests run for one page."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy in words. ``tone``: good (gives), bad (takes away), quiet (blurs). ``text``: its Cedar, '' when kept
    from this visitor. ``facts``: (words, values)."""

    id: str
    name: str
    effect: str
    tone: str
    reason: str
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Group:
    """The rules of one owner. ``id``: '' for the whole city."""

    id: str
    title: str
    rules: tuple[Rule, ...]


def page(visit: Visit) -> Response:
    """``/policies``."""
    state = visit.site.state
    book = in_force(state)
    catalogue = visit.site.catalogue
    watches = overseer(visit)
    waits = watches and fingerprint_of(_files(visit)) != book.fingerprint
    known = visit.unchanged(book.fingerprint, catalogue.generation, watches, waits, visit.caller)
    if known:
        return known
    contracts = {entry.id: entry.contract for entry in catalogue.entries(limit=None).items}
    names = Names(visit)
    owners: dict[str, list[Policy]] = {}
    for item in book.policies:
        owners.setdefault(item.owner, []).append(item)
    groups = [
        Group(
            owner,
            names.organisation(owner) if owner else visit._("The whole city"),
            tuple(_rule(visit, names, item, contracts) for item in policies),
        )
        for owner, policies in owners.items()
    ]
    groups.sort(key=lambda item: (item.id != "", item.title.casefold()))
    tests = _tests(visit, contracts) if book.policies else ()
    taken = taken_at(state)
    values = {
        "groups": groups,
        "count": len(book.policies),
        "taken": visit.speech.date(taken) if taken else "",
        "waits": waits,
        "watches": watches,
        "signed": bool(visit.caller.party) or watches,
        "passed": sum(item.passed for item in tests),
        "failed": [item for item in tests if not item.passed],
        "tests": len(tests),
    }
    return visit.page("policies.html", values)


def overseer(visit: Visit, owner: str = "") -> bool:
    """Whether the visitor watches over an owner's data, or the city's: its stewards, auditors, administrators."""
    return is_operator(visit) or watches_over(visit.caller, owner)


def watches_over(caller: Caller, owner: str) -> bool:
    """The same for a caller; any owner's when ``owner`` is ''."""
    if owner:
        return any(caller.has(role, owner) for role in WATCHES)
    return any(role in WATCHES for _, role in caller.roles)


def _files(visit: Visit) -> Mapping[str, str]:
    try:
        return folder(visit.settings.root)
    except PolicyError:
        return {}


def _rule(visit: Visit, names: Names, item: Policy, contracts: Mapping[str, Contract]) -> Rule:
    _ = visit._
    if item.effect == "forbid":
        effect, tone = _("takes away"), "bad"
    elif SHAPE in item.actions:
        blurs = item.masks or item.rows
        effect, tone = _("blurs") if blurs else _("asks for a promise"), "quiet"
    else:
        effect, tone = _("gives"), "good"
    # What a closed dataset holds is told to nobody but those who watch over it.
    closed = any(contracts[name].access == "closed" for name in _datasets(item) if name in contracts)
    told = not closed or overseer(visit, item.owner)
    facts: list[tuple[str, Sequence[str]]] = [(_("Who"), [_who(visit, names, item)])]
    if told:
        facts += [
            (_("What"), [_what(visit, item, contracts)]),
            (_("When"), [" and ".join(phrase.conditions(item))]),
            (_("Columns"), [", ".join(item.columns)]),
            (_("Shown as"), [_mask(visit, column, mask) for column, mask in item.masks]),
            (_("Rows"), [item.rows] if item.rows else []),
            (_("Promise"), item.obligations),
        ]
    return Rule(
        item.id,
        item.id.partition("/")[2],
        effect,
        tone,
        item.reason,
        tuple((word, tuple(values)) for word, values in facts if any(values)),
        item.text if told else "",
        _("%(file)s, line %(line)s", file=item.file, line=item.line),
    )


def _datasets(item: Policy) -> set[str]:
    from cedarpy import pst

    uids = map(uid_of, pst.entity_uids(item.template))
    return {name.partition("/")[0] for kind, name in uids if kind in ("Dataset", "Column")}


def _who(visit: Visit, names: Names, item: Policy) -> str:
    _ = visit._
    scope: Any = item.template.principal
    entity = getattr(scope, "entity", None)
    kind = str(getattr(scope, "entity_type", "") or "")
    if entity is None:
        return {"Person": _("everybody who is signed in"), "Application": _("every application"),
                "Anyone": _("strangers")}.get(kind, _("everybody"))  # fmt: skip
    of, name = uid_of(entity)
    if of == "Role":
        organisation, _sep, role = name.rpartition("/")
        role = role_words(visit).get(role, (role, ""))[0]
        if organisation == "*":
            return _("every %(role)s of the whole city", role=role)
        return _("every %(role)s of %(organisation)s", role=role, organisation=names.organisation(organisation))
    if of == "Organisation":
        where = names.organisation(name)
        people, programs = _("the people of %(name)s", name=where), _("the applications of %(name)s", name=where)
        return {"Person": people, "Application": programs}.get(kind, f"{people}, {programs}")
    return names.application(name) if of == "Application" else names.person(name)


def _what(visit: Visit, item: Policy, contracts: Mapping[str, Contract]) -> str:
    _ = visit._
    scope: Any = item.template.resource
    entity = getattr(scope, "entity", None)
    column = str(getattr(scope, "entity_type", "") or "") == "Column" or item.actions == {"see-column"}
    if entity is None:
        return _("columns of every dataset") if column else _("every dataset")
    kind, full = uid_of(entity)
    name, _sep, part = full.partition("/")
    if kind == "Organisation":
        return _("the data of %(organisation)s", organisation=Names(visit).organisation(full))
    title = contracts[name].title(visit.language) if name in contracts else name
    if kind == "Column":
        return _("the column %(column)s of %(dataset)s", column=part, dataset=title)
    return _("columns of %(dataset)s", dataset=title) if column else title


def _mask(visit: Visit, column: str, mask: Any) -> str:
    words = masks_words(visit, [mask])
    return f"{column}: {words}" if column else words


# The tests beside the rules


def _tests(visit: Visit, contracts: Mapping[str, Contract]) -> tuple[Result, ...]:
    """The folder's tests against the rules in force; () when they cannot be read."""
    from arengo.governance.policy import trial

    root = visit.settings.root
    try:
        found = trial.trials(root, visit.settings.city.timezone)[:TESTS]
    except (PolicyError, OSError, UnicodeDecodeError):
        return ()
    return _run(visit, found, contracts) if found else ()


_last: list[tuple[tuple[object, ...], tuple[Result, ...]]] = []
"""The last results with what they are the results of."""


def _run(visit: Visit, found: tuple[Any, ...], contracts: Mapping[str, Contract]) -> tuple[Result, ...]:
    from arengo.governance.policy import trial

    state, settings = visit.site.state, visit.settings
    mark = (str(settings.root), in_force(state).fingerprint, visit.site.catalogue.generation, found)
    if _last and _last[0][0] == mark:
        return _last[0][1]
    made = trial.run(found, in_force(state), contracts, settings, state, visit.site.parties)
    _last[:] = [(mark, made)]
    return made
