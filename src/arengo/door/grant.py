"""A decision about one version as a cut of it: which columns, computed how, of which rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from arengo.contract.model import Contract, Geometry, Kind, Property
from arengo.errors import BadForm, CallerError, PolicyError
from arengo.governance import Decision, Mask, fingerprint
from arengo.lake.cut import SUBJECT, Cut, Shown
from arengo.lake.version import Column, Version
from arengo.privacy import mask as masks
from arengo.query import condition, cql2
from arengo.query.scope import Field, Scope, quote


def cut_of(version: Version, contract: Contract, decision: Decision, context: masks.Context) -> Cut | None:
    """What to cut; None when the decision grants the version whole. Raises PolicyError, naming the rule."""
    names = [item.name for item in version.schema if not item.name.startswith("_")]
    sealed = set(version.extra.get("vault", ()))
    if not decision.partial and set(names) <= decision.columns and not sealed:
        return None
    by_column: dict[str, list[Mask]] = {}
    for name, item in decision.masks:
        by_column.setdefault(name, []).append(item)
    shown: list[Shown] = []
    unique: dict[str, bool] = {}
    for column in version.schema:
        if column.name.startswith("_") or column.name not in decision.columns:
            continue
        held = masks.Masked(quote(column.name), column.kind)
        for item in by_column.get(column.name, ()):
            held = masks.apply(item, column.name, held, _domain(contract, column.name), context)
        if column.kind is Kind.GEOMETRY and by_column.get(column.name):
            continue  # a hidden place has no box either
        required = column.required and not by_column.get(column.name)
        shown.append(Shown(replace(column, kind=held.kind, required=required), held.sql, held.params))
        unique[column.name] = held.unique
    if not shown:
        raise PolicyError(f"Nothing of {version.dataset} {version.label} is granted ({decision.rule}).")
    plain = {item.column.name for item in shown if not by_column.get(item.column.name)}
    where, params, spatial = _rows(version, decision)
    order: list[str] = []
    for term in version.sort:  # as long as the granted columns tell the order
        if term.lstrip("-") not in plain:
            break
        order.append(term)
    key = version.key if version.key and all(unique.get(name) for name in version.key) else ()
    subject = _subject(version, contract, context)
    told = repr([(item.column, item.sql, item.params) for item in (*shown, *([subject] if subject else []))])
    return Cut(
        fingerprint(decision.fingerprint, told, where, params, order, key),
        tuple(shown),
        where,
        params,
        tuple(order or key),
        key,
        _geometry(version.geometry, plain),
        spatial,
        subject,
    )


def _rows(version: Version, decision: Decision) -> tuple[str, tuple[object, ...], bool]:
    """The row filter: every text of it holds."""
    if not decision.rows:
        return "", (), False
    fields: Mapping[str, Field] = {
        item.name: Field(item.name, item.kind, item.required)
        for item in version.schema
        if not item.name.startswith("_")
    }
    scope = Scope(version.dataset, fields, version.geometry)
    parts: list[condition.Condition] = []
    for text in decision.rows:
        try:
            found = condition.compile_filter(cql2.parse_text(text), scope)
        except CallerError as error:
            raise PolicyError(
                f"The row filter of {decision.rule} cannot be used on {version.dataset} {version.label}: {error.met}",
                todo=error.todo,
            ) from error
        if found is None:
            raise PolicyError(f"{decision.rule} has an empty row filter.", todo="Leave it out for all rows.")
        parts.append(found)
    sql = " AND ".join(f"({part.sql})" for part in parts)
    return sql, tuple(value for part in parts for value in part.params), any(part.spatial for part in parts)


def check_rows(contract: Contract, text: str) -> frozenset[str]:
    """The columns a row filter looks at; of a place that is made from two columns, all three.

    Raises BadForm for one that cannot be read, or asks for a column the dataset does not have (CQL2).
    """
    fields = {item.name: Field(item.name, item.kind, item.required) for item in contract.properties}
    place = contract.geometry
    try:
        found = condition.compile_filter(cql2.parse_text(text), Scope(contract.id, fields, place))
    except CallerError as error:
        raise BadForm(error.met, todo=error.todo) from error
    if found is None:
        return frozenset()
    places = {name for name in (place.column, place.x, place.y) if name} if found.spatial and place else set()
    return found.columns | places


def _geometry(geometry: Geometry | None, plain: set[str]) -> Geometry | None:
    if geometry is None:
        return None
    needed = {geometry.column} if geometry.stored else {geometry.x, geometry.y}
    return geometry if needed <= plain else None


def _domain(contract: Contract, column: str) -> str:
    """What a pseudonym is about, the same in every dataset that tells of it."""
    item = contract.column(column)
    custom = item.custom if item else {}
    concept = str(custom.get("arengoPrivacyConcept", "") or custom.get("arengoSubject", ""))
    return concept or f"{contract.id}.{column}"


def subject_of(contract: Contract) -> Property | None:
    """The column that names the person a row is about, None when the contract names none."""
    return next((item for item in contract.properties if item.custom.get("arengoSubject")), None)


def subject_key(contract: Contract, item: Property, secret: bytes) -> bytes:
    """The key of subjects in the record: one a population, so that a person is the same in all its datasets."""
    return masks.derive(secret, "subject", str(item.custom.get("arengoSubject", "")))


def _subject(version: Version, contract: Contract, context: masks.Context) -> Shown | None:
    item = subject_of(contract)
    if item is None or all(column.name != item.name for column in version.schema):
        return None
    key = subject_key(contract, item, context.secret)
    sql, params = masks.keyed(f"CAST({quote(item.name)} AS VARCHAR)", key)
    return Shown(Column(SUBJECT, Kind.STRING, int(version.extra.get("last_field", 0)) + 1), sql, params)
