"""What policies may speak of: the Cedar schema of the city, and contracts and callers in its words.

Cedar's own reference: docs.cedarpolicy.com, "Schema" and "Policy syntax". Names of people, columns and organisations
travel as JSON identifiers, never as policy text, so no name can become a rule.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from arengo.contract.model import Contract, Property
from arengo.governance.caller import Caller
from arengo.governance.owner import owner_of

READ, SEE, SHAPE = "read", "see-column", "shape"
ACTIONS = (READ, SEE, SHAPE)

SCHEMA = """\
// A role that somebody has in an organisation, such as Role::"schools/reader" or Role::"*/auditor".
entity Role;
// An office, a department, a company. A department is in its parent.
entity Organisation in [Organisation];

// Who asks: a stranger, a person who signed in, a program with a key.
entity Anyone;
entity Person in [Organisation, Role];
entity Application in [Organisation];

// What is asked: a dataset of the organisation that answers for it, and its columns.
entity Dataset in [Organisation] = {
  owner: Organisation,
  access: String,                // arengoAccess: open, shared, closed
  theme: String,                 // arengoTheme: SOCI, EDUC, ...
  tags: Set<String>,
  classifications: Set<String>,  // of its columns
  personal: Bool                 // whether a column is about persons
};
// Column::"dataset/column"
entity Column in [Dataset] = {
  owner: Organisation,
  dataset: Dataset,
  kind: String,                  // string, integer, number, boolean, date, time, timestamp, geometry, json
  classification: String,        // of the contract: public, restricted, ...
  privacyRole: String,           // arengoPrivacyRole: identifier, quasi, sensitive, or ""
  personalKind: String,          // arengoPersonalKind: name, email, birth-date, ..., or ""
  tags: Set<String>
};

type Circumstances = {
  purpose: { id: String, dpv: String, legalBasis: String },
  agreement: { id: String, state: String, plan: String },
  assurance: Long,               // of the login: 0 nobody known, 1 low, 2 substantial, 3 high (eIDAS)
  zone: String,                  // network zone of the settings, "" for the rest of the world
  // of the city's time zone: hour 0 to 23, weekday 1 (Monday) to 7, date as a day; now is the moment itself
  time: { hour: Long, weekday: Long, date: datetime, now: datetime }
};

// Reading a dataset at all.
action "read" appliesTo {
  principal: [Anyone, Person, Application], resource: [Dataset], context: Circumstances
};
// Seeing one of its columns.
action "see-column" appliesTo {
  principal: [Anyone, Person, Application], resource: [Column], context: Circumstances
};
// Gives nothing; says by @mask, @rows and @oblige how what is given otherwise is shown.
action "shape" appliesTo {
  principal: [Anyone, Person, Application], resource: [Dataset, Column], context: Circumstances
};
"""

Uid = tuple[str, str]
"""(entity type, id)."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What policies know of the purpose of a request."""

    id: str = ""
    dpv: str = ""
    legal_basis: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """A dataset or column as policies see it. ``above``: itself and everything it is in."""

    uid: Uid
    attributes: Mapping[str, Any]
    above: frozenset[Uid]


def column_id(dataset: str, column: str) -> str:
    return f"{dataset}/{column}"


def things(contract: Contract, columns: Sequence[str], offices: Sequence[str]) -> tuple[Thing, tuple[Thing, ...]]:
    """The dataset and its columns, in order. ``offices``: the owner and those it is in."""
    owner = ("Organisation", owner_of(contract))
    above = frozenset({("Dataset", contract.id), *(("Organisation", item) for item in offices)})
    declared = {item.name: item for item in contract.properties}
    classes = sorted({item.classification for item in contract.properties if item.classification})
    dataset = Thing(
        ("Dataset", contract.id),
        {
            "owner": owner,
            "access": contract.access,
            "theme": contract.theme,
            "tags": tuple(contract.tags),
            "classifications": tuple(classes),
            "personal": any(map(_personal, contract.properties)),
        },
        above,
    )
    return dataset, tuple(_column(contract.id, name, declared.get(name), owner, above) for name in columns)


def _personal(item: Property) -> bool:
    return bool(item.privacy_role or item.custom.get("arengoPersonalKind") or item.custom.get("arengoSubject"))


def _column(dataset: str, name: str, item: Property | None, owner: Uid, above: frozenset[Uid]) -> Thing:
    uid = ("Column", column_id(dataset, name))
    return Thing(
        uid,
        {
            "owner": owner,
            "dataset": ("Dataset", dataset),
            "kind": str(item.kind) if item else "",
            "classification": item.classification if item else "",
            "privacyRole": item.privacy_role if item else "",
            "personalKind": str(item.custom.get("arengoPersonalKind", "")) if item else "",
            "tags": tuple(item.tags) if item else (),
        },
        above | {uid},
    )


def purpose_of(contract: Contract, id: str) -> Purpose:
    """What the contract says of a purpose (``arengoPurposes``)."""
    for item in contract.custom.get("arengoPurposes", ()):
        if item.get("id") == id and id:
            return Purpose(id, _word(item.get("dpv")), _word(item.get("legalBasis")))
    return Purpose(id)


def _word(value: Any) -> str:
    return str(value[0] if isinstance(value, (list, tuple)) and value else value or "")


def sound(text: str) -> str:
    """A text as JSON can carry it: what is no character (a lone surrogate) is spelt out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def principal(caller: Caller) -> Uid:
    if caller.application:
        return ("Application", sound(caller.application))
    return ("Person", sound(caller.party)) if caller.party else ("Anyone", "")


def circumstances(caller: Caller, purpose: Purpose, agreement: Mapping[str, str], local: datetime) -> dict[str, Any]:
    """The context of a request. ``local``: the moment in the city's time zone."""
    day = local.date().isoformat()
    moment = local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"
    return {
        "purpose": {"id": sound(purpose.id), "dpv": sound(purpose.dpv), "legalBasis": sound(purpose.legal_basis)},
        "agreement": {name: sound(agreement.get(name, "")) for name in ("id", "state", "plan")},
        "assurance": caller.assurance,
        "zone": sound(caller.zone),
        "time": {
            "hour": local.hour,
            "weekday": local.isoweekday(),
            "date": {"__extn": {"fn": "datetime", "arg": day}},
            "now": {"__extn": {"fn": "datetime", "arg": moment}},
        },
    }


def entities(dataset: Thing, columns: Sequence[Thing], offices: Sequence[str]) -> str:
    """Cedar's JSON of a dataset and its columns. What an office is in is written flat."""
    parents = [_uid(("Organisation", item)) for item in offices]
    made = [{"uid": _uid(dataset.uid), "attrs": _attributes(dataset), "parents": parents}]
    made += [{"uid": _uid(item.uid), "attrs": _attributes(item), "parents": [_uid(dataset.uid)]} for item in columns]
    return json.dumps(made)


def asker(caller: Caller, offices: Sequence[str]) -> str:
    """Cedar's JSON of who asks. ``offices``: the caller's organisation and those it is in."""
    uid = principal(caller)
    parents = [_uid(("Organisation", item)) for item in offices] if uid[0] != "Anyone" else []
    if uid[0] == "Person":
        parents += [_uid(("Role", f"{organisation}/{role}")) for organisation, role in caller.roles]
    return json.dumps([{"uid": _uid(uid), "attrs": {}, "parents": parents}])


def _uid(uid: Uid) -> dict[str, str]:
    return {"type": uid[0], "id": sound(uid[1])}


def _attributes(thing: Thing) -> dict[str, Any]:
    return {
        name: {"__entity": _uid(value)} if name in ("owner", "dataset") else value
        for name, value in thing.attributes.items()
    }
