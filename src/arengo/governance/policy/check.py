"""Whether policies say what they can mean here: held against Cedar's schema, the city's contracts and code lists."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arengo.contract import vocabulary
from arengo.contract.model import Contract
from arengo.errors import CallerError, PolicyError
from arengo.governance.caller import ROLES
from arengo.governance.hierarchy import Hierarchy
from arengo.governance.hierarchy import folder as hierarchy_files
from arengo.governance.hierarchy import read as read_hierarchy
from arengo.governance.owner import owner_of
from arengo.governance.policy.book import Book, fingerprint_of, folder, owner_of_file
from arengo.governance.policy.mask import misfit
from arengo.governance.policy.rule import Policy, could_apply, is_column, path_of, read, statements, uid_of, walk
from arengo.governance.policy.schema import ACTIONS, SCHEMA, things

_NUMBERED = re.compile(r"(for policy `policy\d+`, )?")
_ATTRIBUTE = re.compile(r"attribute `(\w+)` on entity type `(\w+)` not found")


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is in the city. ``organisations``: ids beyond the owners of datasets; () when nobody knows them.

    ``rows``: raises a CallerError for a condition on rows that the dataset cannot answer.
    """

    contracts: Mapping[str, Contract]
    organisations: tuple[str, ...] = ()
    hierarchies: Mapping[str, Hierarchy] = field(default_factory=dict)
    zones: tuple[str, ...] = ()
    rows: Callable[[Contract, str], object] = lambda contract, text: None

    @property
    def owners(self) -> frozenset[str]:
        return frozenset(map(owner_of, self.contracts.values()))


@dataclass(frozen=True, slots=True)
class Checked:
    """``errors`` keep the policies from coming into force; ``warnings`` do not. Both in the order of files."""

    book: Book
    hierarchies: Mapping[str, str]
    errors: tuple[PolicyError, ...]
    warnings: tuple[PolicyError, ...]

    def refuse(self) -> None:
        """Raises the first error, and says how many there are."""
        if not self.errors:
            return
        first, more = self.errors[0], len(self.errors) - 1
        if not more:
            raise first
        several = f"{more} more {'error' if more == 1 else 'errors'}: 'arengo policy check' shows all."
        raise PolicyError(first.met, todo=f"{first.todo} {several}".strip(), place=first.place)


def check_folder(
    root: Path,
    contracts: Mapping[str, Contract],
    organisations: Iterable[str] = (),
    zones: Iterable[str] = (),
    rows: Callable[[Contract, str], object] = lambda contract, text: None,
) -> Checked:
    """Everything of ``policies/`` and ``hierarchies/`` in a city folder."""
    errors: list[PolicyError] = []
    groups: dict[str, Hierarchy] = {}
    texts: dict[str, str] = {}
    files: dict[str, str] = {}
    try:
        texts = hierarchy_files(root)
    except PolicyError as error:
        errors.append(error)
    for name, text in texts.items():
        try:
            groups[name] = read_hierarchy(name, text)
        except PolicyError as error:
            errors.append(error)
    try:
        files = folder(root)
    except PolicyError as error:
        errors.append(error)
    made = check(files, Facts(contracts, tuple(organisations), groups, tuple(zones), rows))
    unknown = [*_unused_names(contracts, groups, root)]
    return Checked(made.book, texts, (*errors, *made.errors), (*made.warnings, *unknown))


def _unused_names(
    contracts: Mapping[str, Contract], groups: Mapping[str, Hierarchy], root: Path
) -> Iterator[PolicyError]:
    """Columns whose ``arengoHierarchy`` is in no file."""
    from arengo.errors import Place

    for contract in contracts.values():
        for item in contract.properties:
            name = str(item.custom.get("arengoHierarchy", ""))
            if name and name not in groups and not _ruled(name, root):
                yield PolicyError(
                    f"The column {item.name} of {contract.id} names the hierarchy {name}, which is not there.",
                    todo=f"Put it into hierarchies/{name}.csv.",
                    place=Place(file=str(contract.path) if contract.path else contract.id, line=item.line),
                )


def check(files: Mapping[str, str], facts: Facts) -> Checked:
    """Policies from texts by their path in the city folder; every error there is."""
    errors: list[PolicyError] = []
    warnings: list[PolicyError] = []
    found: dict[str, Policy] = {}
    for file in sorted(files):
        try:
            owner = owner_of_file(file)
        except PolicyError as error:
            errors.append(error)
            continue
        for line, text in statements(files[file]):
            try:
                item = read(owner, file, line, text)
            except PolicyError as error:
                errors.append(error)
                continue
            before = found.get(item.id)
            if before is not None:
                errors.append(_error(item, f"There is a policy {item.id} already, in {before.place}.",
                                     "Give one of the two another @id."))  # fmt: skip
                continue
            found[item.id] = item
    policies = tuple(found.values())
    errors += _against_schema(policies)
    for item in policies:
        for problem, hard in _against_facts(item, facts):
            (errors if hard else warnings).append(problem)
    errors.sort(key=_order)
    return Checked(Book(dict(files), policies, fingerprint_of(files)), {}, tuple(errors), tuple(warnings))


def _order(error: PolicyError) -> tuple[str, int]:
    return (error.place.file or "", error.place.line or 0) if error.place else ("", 0)


def _error(policy: Policy, met: str, todo: str = "") -> PolicyError:
    return PolicyError(met, todo=todo, place=policy.place)


def _against_schema(policies: tuple[Policy, ...]) -> Iterator[PolicyError]:
    """One error a policy, the first that Cedar's validator finds."""
    if not policies:
        return
    import cedarpy

    result = cedarpy.validate_policies("\n".join(item.text for item in policies), SCHEMA)
    told: set[str] = set()
    for error in result.errors:
        if error.policy_id in told:
            continue
        told.add(error.policy_id)
        policy = policies[int(error.policy_id.removeprefix("policy") or 0)]
        met = _NUMBERED.sub("", error.error, count=1).strip()
        yield _error(policy, f"{policy.id}: {met[:1].upper()}{met[1:]}.", _advice(met))


def _advice(met: str) -> str:
    missing = _ATTRIBUTE.search(met)
    if missing:
        name, kind = missing.groups()
        block = re.search(rf"entity {kind} .*?= \{{(.*?)\n\}}", SCHEMA, re.S)
        known = re.findall(r"^\s+(\w+):", block.group(1), re.M) if block else []
        close = difflib.get_close_matches(name, known, 1)
        if close:
            return f"Did you mean {close[0]}?"
        if known:
            return f"{kind} has {', '.join(known)}; write 'resource is Column' when it is about columns."
    if "unrecognized action" in met or "applicable action" in met:
        return f"The actions are {', '.join(ACTIONS)}: read is about a Dataset, see-column about a Column."
    return "'arengo policy schema' shows what policies may speak of."


def _against_facts(policy: Policy, facts: Facts) -> Iterator[tuple[PolicyError, bool]]:
    """(problem, whether it is an error) of what a policy names."""
    yield from _owner(policy, facts)
    yield from _resources(policy, facts)
    yield from _principals(policy, facts)
    yield from _words(policy, facts)
    yield from _annotations(policy, facts)


def _owner(policy: Policy, facts: Facts) -> Iterator[tuple[PolicyError, bool]]:
    known = facts.owners | set(facts.organisations)
    if policy.owner and policy.owner not in known:
        yield (
            _error(policy, f"There is no organisation {policy.owner}, so its policies would hold for nothing.",
                   _near(policy.owner, known)),
            True,
        )  # fmt: skip


def _resources(policy: Policy, facts: Facts) -> Iterator[tuple[PolicyError, bool]]:
    from cedarpy import pst

    for uid in sorted({uid_of(item) for item in pst.entity_uids(policy.template)}):
        kind, name = uid
        if kind not in ("Dataset", "Column"):
            continue
        dataset, _, column = name.partition("/") if kind == "Column" else (name, "", "")
        contract = facts.contracts.get(dataset)
        if contract is None:
            met = f"{policy.id}: there is no dataset {dataset!r}, or its contract has an error."
            yield _error(policy, met, _near(dataset, facts.contracts)), True
        elif policy.owner and owner_of(contract) != policy.owner:
            met = f"{policy.id} names {dataset}, which belongs to {owner_of(contract)}."
            yield _error(policy, met, "An organisation's policies are about its own data."), True
        elif kind == "Column" and contract.column(column) is None:
            names = [item.name for item in contract.properties]
            yield _error(policy, f"{policy.id}: {dataset} has no column {column!r}.", _near(column, names)), True
    scope = policy.template.resource
    entity = getattr(scope, "entity", None)
    if policy.owner and entity is not None and str(entity.type) == "Organisation" and entity.id != policy.owner:
        met = f"{policy.id} is about the data of {entity.id!r}, and it stands in the folder of {policy.owner}."
        yield _error(policy, met, "An organisation's policies are about its own data."), True


def _principals(policy: Policy, facts: Facts) -> Iterator[tuple[PolicyError, bool]]:
    from cedarpy import pst

    known = facts.owners | set(facts.organisations)
    for uid in sorted({uid_of(item) for item in pst.entity_uids(policy.template)}):
        kind, name = uid
        if kind == "Role":
            organisation, _, role = name.rpartition("/")
            if role not in ROLES or not organisation:
                met = f'{policy.id}: Role::"{name}" is no role.'
                yield _error(policy, met, f"Write ORGANISATION/ROLE; roles are {', '.join(ROLES)}."), True
            name = organisation if organisation != "*" else next(iter(known), "")
        if kind in ("Role", "Organisation") and facts.organisations and name and name not in known:
            yield _error(policy, f"{policy.id}: there is no organisation {name!r} yet.", _near(name, known)), False


_VOCABULARIES: Mapping[str, Iterable[str]] = {
    "access": vocabulary.ACCESS,
    "theme": vocabulary.THEMES,
    "privacyRole": vocabulary.PRIVACY_ROLES,
    "personalKind": vocabulary.PERSONAL_KINDS,
}


def _words(policy: Policy, facts: Facts) -> Iterator[tuple[PolicyError, bool]]:
    """Literals that nothing can equal: a misspelt word makes a rule that never holds."""
    from cedarpy import pst

    classes = {item.classification for contract in facts.contracts.values() for item in contract.properties}
    for node in walk(policy.template.clauses):
        if not isinstance(node, pst.BinaryOp) or not isinstance(node.right, pst.StringLit) or not node.right.value:
            continue
        path, word = path_of(node.left), node.right.value
        name = path[-1] if path else ""
        if path[:1] == ("resource",) and name in _VOCABULARIES and word not in _VOCABULARIES[name]:
            met = f"{policy.id}: no {name} is ever {word!r}."
            yield _error(policy, met, _near(word, _VOCABULARIES[name])), True
        elif path == ("context", "zone") and word not in facts.zones:
            hint = _near(word, facts.zones) if facts.zones else "Name it and its networks in city.toml, policy.zones."
            yield _error(policy, f"{policy.id}: there is no zone {word!r}.", hint), True
        elif path[:1] == ("resource",) and name in ("classification", "classifications") and word not in classes:
            met = f"{policy.id}: no column of the city is classified {word!r}."
            yield _error(policy, met, _near(word, classes - {""})), False


def _annotations(policy: Policy, facts: Facts) -> Iterator[tuple[PolicyError, bool]]:
    from cedarpy import pst

    scope = policy.template.resource
    contract: Contract | None = None
    alone = ""
    if isinstance(scope, pst.ScopeEq):
        dataset, _, alone = uid_of(scope.entity)[1].partition("/")
        contract = facts.contracts.get(dataset)
    named = [*policy.columns, *(column for column, _ in policy.masks if column)]
    if contract is not None and not is_column(policy.template):
        names = [item.name for item in contract.properties]
        for column in dict.fromkeys(named):
            if column not in names:
                met = f"{policy.id}: {contract.id} has no column {column!r}."
                yield _error(policy, met, _near(column, names)), True
    for held in _about(policy, facts, contract) if policy.rows else ():
        try:
            facts.rows(held, policy.rows)
        except CallerError as error:
            met = f"{policy.id}: @rows cannot be asked of {held.id}: {error.met}"
            yield _error(policy, met, error.todo or "Name the dataset the rows are of."), True
    for column, mask in policy.masks:
        declared = contract.column(column or alone) if contract else None
        problem = misfit(mask, declared.kind) if declared else ""
        if problem:
            yield _error(policy, f"{policy.id}: {column or alone}: {problem}"), True
        yield from ((error, True) for error in _group(policy, mask.kind, mask.argument, facts))


def _about(policy: Policy, facts: Facts, named: Contract | None) -> Iterator[Contract]:
    """Datasets whose rows a policy could cut."""
    for contract in facts.contracts.values() if named is None else (named,):
        if policy.owner in ("", owner_of(contract)):
            dataset, columns = things(contract, [item.name for item in contract.properties], (owner_of(contract),))
            if any(could_apply(policy, thing) for thing in (dataset, *columns)):
                yield contract


def _group(policy: Policy, kind: str, argument: str, facts: Facts) -> Iterator[PolicyError]:
    name, colon, level = argument.partition(":")
    if kind != "generalise" or not colon:
        return
    group = facts.hierarchies.get(name)
    if group is None:
        yield _error(policy, f"{policy.id}: there is no hierarchy {name!r}.", f"Put it into hierarchies/{name}.csv.")
    elif group.place(level) < 0:
        yield _error(policy, f"{policy.id}: the hierarchy {name} has no level {level!r}.",
                     f"It has {', '.join(group.levels)}.")  # fmt: skip


def _near(word: str, known: Iterable[Any]) -> str:
    names = sorted(map(str, known))
    close = difflib.get_close_matches(word, names, 3)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"There is {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}." if names else ""


_BUILT_IN = frozenset({"dates", "moments", "times", "numbers", "measures", "characters", "all"})
"""Hierarchies every city has (:mod:`arengo.privacy.hierarchy`), which this room may not import."""


def _ruled(name: str, root: Path) -> bool:
    """Whether a hierarchy is built in or made by a rule of the folder."""
    return name.partition("/")[0] in _BUILT_IN or (root / "hierarchies" / f"{name}.toml").is_file()
