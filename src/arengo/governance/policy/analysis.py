"""Who can read what: everybody, stewards, agreements and permits, with what hangs on the request said in words.

Two questions, both answered completely: "who can read this column?" (:meth:`Analysis.readers`) and "what can this
party read?" (:meth:`Analysis.reads`). A condition that only a request can tell (the hour, the network zone, how sure
the login is, the purpose named) does not keep anybody off the list; it is told beside the name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract
from arengo.governance.caller import ANYONE, CITY_WIDE, Caller
from arengo.governance.decision import Mask
from arengo.governance.owner import owner_of
from arengo.governance.policy import phrase, schema
from arengo.governance.policy.ground import Ground
from arengo.governance.policy.rule import Policy, conjuncts, is_column, uid_of

if TYPE_CHECKING:
    from arengo.governance.policy.book import Slice
    from arengo.governance.policy.judge import CityJudge

WATCH = Caller(party="~analysis", roles=((CITY_WIDE, "auditor"),))
"""Sees every agreement, reads nothing."""
SOMEBODY = "~somebody"
"""Stands for any person or application of whom only the organisation and roles are known."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Shown:
    """One column as a reader sees it. ``masks``: always; ``sometimes``: masks with their condition in words.

    ``when``: conditions in words, each of which has to hold; () for always.
    """

    column: str
    masks: tuple[Mask, ...] = ()
    sometimes: tuple[str, ...] = ()
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """A party and what it can read of one dataset.

    ``kind``: everyone, role, person, people, application, applications. ``party``: its id, of roles
    ``ORGANISATION/ROLE``. ``people``: ids of those who have the role. ``ground``: open, steward, agreement, policy.
    ``rule``: the agreement, policies or role by which. ``until``: when it ends by itself. ``when``: conditions in words
    on reading at all.
    """

    dataset: str
    kind: str
    party: str
    organisation: str
    ground: str
    rule: str
    columns: tuple[Shown, ...]
    rows: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    until: datetime | None = None
    when: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    agreement: str = ""
    purpose: str = ""

    def column(self, name: str) -> Shown | None:
        return next((item for item in self.columns if item.column == name), None)


@dataclass(frozen=True, slots=True)
class _Candidate:
    kind: str
    party: str
    caller: Caller
    base: Ground
    people: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    """Policies that match a candidate as far as can be said before a request: on the dataset, on each column."""

    on_dataset: tuple[Policy, ...] = ()
    on_column: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict)


class Analysis:
    """``judge``: whose rules; ``agreements`` as for it; ``person``: an id's organisation and roles, None for nobody;
    ``application``: an id's organisation, '' for none; ``holders``: ids of people with a role in an organisation."""

    def __init__(
        self,
        judge: CityJudge,
        agreements: Any = None,
        person: Callable[[str], tuple[str, Sequence[tuple[str, str]]] | None] = lambda party: None,
        application: Callable[[str], str] = lambda party: "",
        holders: Callable[[str, str], Iterable[str]] = lambda organisation, role: (),
    ) -> None:
        self._judge = judge
        self._agreements = agreements
        self._person = person
        self._application = application
        self._holders = holders
        self._still: dict[int, tuple[Slice, Any, tuple[Policy, ...]]] = {}

    # Who can read this?

    def readers(self, contract: Contract, columns: Sequence[str] = ()) -> tuple[Reader, ...]:
        """Everybody who can read something of a dataset, with what of it; of ``columns`` only, when they are named."""
        return tuple(self.each(contract, columns))

    def each(self, contract: Contract, columns: Sequence[str] = ()) -> Iterator[Reader]:
        """As :meth:`readers`, one after the other: each costs a judgement, and thousands may read."""
        names = tuple(item.name for item in contract.properties)
        known: set[Reader] = set()
        everyone: Reader | None = None
        for number, candidate in enumerate(self._candidates(contract, names)):
            made = self._reader(contract, names, candidate)
            if made is None or made in known or _as_everyone(made, everyone):
                continue
            if number == 0 and made.kind == "everyone":
                everyone = made
            known.add(made)
            if not columns or any(shown.column in columns for shown in made.columns):
                yield made

    def _candidates(self, contract: Contract, names: tuple[str, ...]) -> Iterator[_Candidate]:
        owner = owner_of(contract)
        if contract.access == "open":
            yield self._candidate(contract, names, "everyone", "", ANYONE)
        steward = Caller(party=SOMEBODY, organisation=owner, roles=((owner, "steward"),))
        yield self._candidate(contract, names, "role", f"{owner}/steward", steward)
        for item in self.agreements(contract.id):
            party = item.application or SOMEBODY
            caller = Caller(
                party=party, organisation=item.organisation, application=item.application, agreement=item.id
            )
            kind = "application" if item.application else "people"
            yield self._candidate(contract, names, kind, item.application or item.organisation, caller)
        part, _ = self._judge.slice(contract, names)
        known: set[tuple[str, str]] = set()
        for policy in part.policies:
            for kind, name in self._named(policy):
                if (kind, name) not in known:
                    known.add((kind, name))
                    yield from self._by_name(contract, names, kind, name)
            if policy.effect == "permit" and policy.actions & {schema.READ, schema.SEE}:
                yield from self._by_scope(contract, names, policy)

    def _candidate(
        self, contract: Contract, names: tuple[str, ...], kind: str, party: str, caller: Caller
    ) -> _Candidate:
        base = self._judge.ground(contract, names, caller)
        people: tuple[str, ...] = ()
        if kind == "role":
            organisation, _, role = party.rpartition("/")
            people = tuple(self._holders(organisation, role))
        return _Candidate(kind, party, caller, base, people)

    def _named(self, policy: Policy) -> Iterator[tuple[str, str]]:
        """People and applications that a policy names."""
        from cedarpy import pst

        for uid in sorted({uid_of(item) for item in pst.entity_uids(policy.template)}):
            if uid[0] in ("Person", "Application"):
                yield uid

    def _by_name(self, contract: Contract, names: tuple[str, ...], kind: str, name: str) -> Iterator[_Candidate]:
        caller = self.caller(name) if kind == "Person" else None
        if kind == "Application":
            caller = Caller(party=name, organisation=self._application(name), application=name)
        caller = caller or Caller(party=name)
        yield self._candidate(contract, names, kind.lower(), name, caller)

    def _by_scope(self, contract: Contract, names: tuple[str, ...], policy: Policy) -> Iterator[_Candidate]:
        """Somebody who fits a permit: in every role and organisation that its scope and conditions ask for."""
        from cedarpy import pst

        scope = policy.template.principal
        if isinstance(scope, pst.ScopeEq):
            return
        wanted = [uid_of(scope.entity)] if isinstance(scope, (pst.ScopeIn, pst.ScopeIsIn)) else []
        wanted += [uid for want, expr in conjuncts(policy.template) if want for uid in _memberships(expr)]
        kinds = [str(scope.entity_type)] if isinstance(scope, (pst.ScopeIs, pst.ScopeIsIn)) else _ASKERS
        named = {uid_of(item) for clause in policy.template.clauses for item in pst.entity_uids(clause)}
        others = sorted(uid for uid in named if uid[0] in ("Role", "Organisation") and uid not in wanted)
        for more in ([], *([uid] for uid in others)):  # a role may also stand inside an 'or'
            yield from self._somebody(contract, names, kinds, [*wanted, *more])

    def _somebody(
        self, contract: Contract, names: tuple[str, ...], kinds: Sequence[str], wanted: Sequence[tuple[str, str]]
    ) -> Iterator[_Candidate]:
        roles = tuple((name.rpartition("/")[0], name.rpartition("/")[2]) for kind, name in wanted if kind == "Role")
        offices = [name for kind, name in wanted if kind == "Organisation"] or [item[0] for item in roles]
        office = offices[0] if offices and offices[0] != CITY_WIDE else ""
        for kind in kinds:
            if kind == "Person":
                caller = Caller(party=SOMEBODY, organisation=office, roles=roles)
                party = "/".join(roles[0]) if roles else office
                yield self._candidate(contract, names, "role" if roles else "people", party, caller)
            elif not roles:
                caller = Caller(party=SOMEBODY, organisation=office, application=SOMEBODY)
                yield self._candidate(contract, names, "applications", office, caller)

    # What can this party read?

    def reads(self, party: str, contracts: Iterable[Contract]) -> tuple[Reader, ...]:
        """Everything a person, an application or an organisation's people can read; also what everybody can."""
        out = []
        for contract in contracts:
            names = tuple(item.name for item in contract.properties)
            for candidate in self._as(party, contract, names):
                made = self._reader(contract, names, candidate)
                if made is not None and made not in out:
                    out.append(made)
        return tuple(out)

    def _as(self, party: str, contract: Contract, names: tuple[str, ...]) -> Iterator[_Candidate]:
        caller = self.caller(party)
        if caller is None:  # an organisation: its people
            caller, kind, shown = Caller(party=SOMEBODY, organisation=party), "people", party
        else:
            kind, shown = ("application" if caller.application else "person"), party
        held = [item for item in self.agreements(contract.id)
                if item.application == caller.application and item.organisation == caller.organisation]  # fmt: skip
        if contract.access == "open":
            held = []
        for item in held:
            yield self._candidate(contract, names, kind, shown, replace(caller, agreement=item.id))
        yield self._candidate(contract, names, kind, shown, caller)

    def caller(self, party: str) -> Caller | None:
        """A person or application as it would ask, None for another id."""
        organisation = self._application(party)
        if organisation:
            return Caller(party=party, organisation=organisation, application=party)
        found = self._person(party)
        return Caller(party=party, organisation=found[0], roles=tuple(found[1])) if found is not None else None

    def agreements(self, dataset: str) -> Iterator[Any]:
        """Active agreements about a dataset."""
        if self._agreements is None:
            return
        after = ""
        while True:
            found = self._agreements.listing(
                WATCH, side="owner", states=("active",), dataset=dataset, limit=PAGE, after=after
            )
            yield from found
            if len(found) < PAGE:
                return
            after = found[-1].id

    # One candidate

    def _reader(self, contract: Contract, names: tuple[str, ...], one: _Candidate) -> Reader | None:
        part, held = self._judge.slice(contract, names)
        base = one.base
        unknown = phrase.UNKNOWN if base.agreement else (*phrase.UNKNOWN, "purpose")
        found = self._matching(contract, part, held, one, unknown) if not part.empty else _Found()
        when: list[str] = []
        for item in _of(found.on_dataset, "forbid", schema.READ):
            said = _conditions(item, unknown)
            if not said:
                return None
            when.append(f"unless {' and '.join(said)}")
        shown = {name: Shown(name) for name in sorted(base.columns)} if base.kind else {}
        used: list[Policy] = []
        given: list[tuple[str, Mask]] = []
        if not base.kind and not base.final and one.kind != "everyone":
            shown, used, given = _given(names, found, unknown)
        for name in list(shown):
            taken = _of(found.on_column.get(name, ()), "forbid", schema.SEE)
            hurdles = [_conditions(item, unknown) for item in taken]
            if any(not conditions for conditions in hurdles):
                del shown[name]
            else:
                more = tuple(f"unless {' and '.join(conditions)}" for conditions in hurdles)
                shown[name] = replace(shown[name], when=(*shown[name].when, *more))
        if not shown:
            return None
        rows, promises = list(base.rows), list(base.obligations)
        rows += [item.rows for item in used if item.rows]
        promises += [text for item in used for text in item.obligations]
        shaping = _shape(shown, found, unknown, rows, promises)
        masks = [*base.masks, *given, *shaping]
        fitted = self._judge.fit(contract, tuple(masks), base.masks)
        for name in shown:
            shown[name] = replace(shown[name], masks=tuple(mask for column, mask in fitted if column == name))
        ground_kind = base.kind or "policy"
        rule = base.rule if base.kind else "; ".join(f"policy {item.id}" for item in used)
        return Reader(
            contract.id,
            one.kind,
            one.party,
            one.caller.organisation,
            ground_kind,
            rule,
            tuple(shown[name] for name in names if name in shown),
            tuple(dict.fromkeys(rows)),
            tuple(dict.fromkeys(promises)),
            base.expires if base.kind else None,
            tuple(when),
            one.people,
            base.agreement if base.kind else "",
            base.purpose if base.kind else "",
        )

    def _matching(self, contract: Contract, part: Slice, held: Any, one: _Candidate, unknown: Sequence[str]) -> _Found:
        """Policies whose scope and fixed conditions hold for a candidate, whatever the request will be."""
        import cedarpy

        handle, policies = self._stripped(part, tuple(unknown))
        offices = self._judge.offices(one.caller.organisation)
        entities = held.with_added_json_str(schema.asker(one.caller, offices))
        kind, name = schema.principal(one.caller)
        purpose = self._judge.purpose(contract, one.base.purpose)
        about = {"id": one.base.agreement, "state": one.base.state, "plan": one.base.plan}
        context = json.dumps(schema.circumstances(one.caller, purpose, about, self._judge.local()))

        def request(thing: schema.Thing) -> dict[str, Any]:
            uid = {"type": thing.uid[0], "id": schema.sound(thing.uid[1])}
            return {"principal": {"type": kind, "id": name}, "action": _ANY, "resource": uid, "context": context}

        things = (part.dataset, *part.columns)
        answers = cedarpy.is_authorized_batch([request(item) for item in things], handle, entities)
        matched = []
        for answer in answers:
            numbers = [int(name.removeprefix("policy")) for name in answer.diagnostics.reasons]
            matched.append(tuple(sorted((policies[number] for number in numbers), key=lambda item: item.id)))
        names = [thing.uid[1].partition("/")[2] for thing in part.columns]
        return _Found(matched[0], dict(zip(names, matched[1:], strict=True)))

    def _stripped(self, part: Slice, unknown: tuple[str, ...]) -> tuple[Any, tuple[Policy, ...]]:
        """The policies of a slice as permits without what hangs on the request: Cedar then says who they are about."""
        import cedarpy
        from cedarpy import pst

        key = hash((id(part), unknown))
        known = self._still.get(key)
        if known is not None and known[0] is part:
            return known[1], known[2]
        made = {}
        for number, item in enumerate(part.policies):
            clauses = tuple(
                pst.When(expr) if wanted else pst.Unless(expr)
                for wanted, expr in conjuncts(item.template)
                if not phrase.depends(expr, unknown)
            )
            tree = item.template
            made[f"policy{number}"] = pst.Template(
                f"policy{number}", "permit", tree.principal, pst.ScopeAny(), tree.resource, clauses, pst.FrozenMap()
            )
        handle = cedarpy.PolicySet.from_pst(pst.PolicySet(pst.FrozenMap(), pst.FrozenMap(made), ()))
        if len(self._still) > 500:
            self._still.clear()
        self._still[key] = (part, handle, part.policies)
        return handle, part.policies


_ANY = 'Action::"read"'
_ASKERS = ("Person", "Application")


def _as_everyone(made: Reader, everyone: Reader | None) -> bool:
    """Whether somebody sees of open data just what everyone does."""
    if everyone is None:
        return False
    shown = (everyone.columns, everyone.rows, everyone.obligations, everyone.when)
    return made.ground == "open" and shown == (made.columns, made.rows, made.obligations, made.when)


def _memberships(expr: Any) -> Iterator[tuple[str, str]]:
    """``principal in Role::"..."`` as (type, id)."""
    from cedarpy import pst

    inside = isinstance(expr, pst.BinaryOp) and expr.op == "in" and expr.left == pst.Var("principal")
    if inside and isinstance(expr.right, pst.EntityLit):
        yield uid_of(expr.right.value)


def _of(policies: Iterable[Policy], effect: str, action: str) -> list[Policy]:
    return [item for item in policies if item.effect == effect and action in item.actions]


def _conditions(policy: Policy, unknown: Sequence[str]) -> tuple[str, ...]:
    """What of a policy hangs on the request, in words."""
    return tuple(
        phrase.words(expr, wanted) for wanted, expr in conjuncts(policy.template) if phrase.depends(expr, unknown)
    )


def _given(
    names: Sequence[str], found: _Found, unknown: Sequence[str]
) -> tuple[dict[str, Shown], list[Policy], list[tuple[str, Mask]]]:
    """Columns that permits give, each with the conditions of all permits that give it, unless one asks for none."""
    masks: list[tuple[str, Mask]] = []
    ways: dict[str, list[tuple[str, ...]]] = {}
    used: list[Policy] = []
    for item in _of(found.on_dataset, "permit", schema.READ):
        used.append(item)
        masks += item.masks
        for name in item.columns or names:
            if name in names:
                ways.setdefault(name, []).append(_conditions(item, unknown))
    for name, policies in found.on_column.items():
        for item in _of(policies, "permit", schema.SEE):
            used.append(item)
            masks += [(column or name, mask) for column, mask in item.masks]
            ways.setdefault(name, []).append(_conditions(item, unknown))
    shown = {}
    for name, several in ways.items():
        free = any(not said for said in several)
        said = dict.fromkeys(" and ".join(conditions) for conditions in several)
        shown[name] = Shown(name, when=() if free else (f"when {' or when '.join(said)}",))
    return shown, list(dict.fromkeys(used)), masks


def _shape(
    shown: dict[str, Shown], found: _Found, unknown: Sequence[str], rows: list[str], promises: list[str]
) -> list[tuple[str, Mask]]:
    """Masks that always apply; what applies under a condition is noted at its column, or beside the rows."""
    always: list[tuple[str, Mask]] = []
    about = [item for item in _of(found.on_dataset, "permit", schema.SHAPE) if not is_column(item.template)]
    uses = [(item, column, mask) for item in about for column, mask in item.masks]
    for name in shown:
        for item in _of(found.on_column.get(name, ()), "permit", schema.SHAPE):
            if is_column(item.template):
                uses += [(item, name, mask) for _, mask in item.masks]
                about.append(item)
    for item, column, mask in uses:
        if column not in shown:
            continue
        said = _conditions(item, unknown)
        if said:
            note = f"{mask} when {' and '.join(said)}"
            shown[column] = replace(shown[column], sometimes=(*shown[column].sometimes, note))
        else:
            always.append((column, mask))
    for item in dict.fromkeys(about):
        said = _conditions(item, unknown)
        tail = f" (when {' and '.join(said)})" if said else ""
        rows += [f"{item.rows}{tail}"] if item.rows else []
        promises += [f"{text}{tail}" for text in item.obligations]
    return always
