"""Offers and agreements in the Open Digital Rights Language (W3C Recommendation ODRL 2.2), as JSON-LD.

An expression of what the agreement row says, for data spaces and archives; nothing here is evaluated when somebody
reads. The form is what the Dataspace Protocol 2025-1 takes as *Offer* (with an assigner, without a target inside a
catalogue) and *Agreement* (assigner, assignee, target, timestamp). Terms that ODRL's core lacks are in
:data:`TERMS`, the profile that the city publishes at ``/ns/odrl`` and every policy names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from arengo.contract import dpv
from arengo.contract.model import Contract
from arengo.contract.purpose import purposes
from arengo.governance.agreement import Agreement
from arengo.governance.owner import owner_of
from arengo.governance.plan import Plan, plan_of, plans
from arengo.governance.purpose import Purpose, personal_columns

ODRL = "http://www.w3.org/ns/odrl/2/"
XSD = "http://www.w3.org/2001/XMLSchema#"

TERMS: Mapping[str, tuple[str, str, str]] = {
    "callsPerDay": ("LeftOperand", "Calls a day", "How many requests are made from midnight to midnight UTC."),
    "rowsPerDay": ("LeftOperand", "Rows a day", "How many rows are read from midnight to midnight UTC."),
    "requestsPerSecond": ("LeftOperand", "Requests a second", "How many requests are made within one second."),
    "column": ("LeftOperand", "Column", "The name of a column that is read."),
    "rowScope": ("LeftOperand", "Row scope", "A condition in CQL2 text (OGC 21-065r2) that every row read fulfils."),
    "mask": ("LeftOperand", "Mask", "How a column is blurred: its name, the kind of mask and its argument."),
    "reidentify": ("Action", "Re-identify", "To find out which person a row, a value or a pseudonym belongs to."),
    "fulfil": ("Action", "Fulfil", "To do what the description of the duty says."),
}
"""Name -> (class, label, definition): the Arengo profile of ODRL."""

_AT = {"@type": "@id"}
_CONTEXT: Mapping[str, Any] = {
    "odrl": ODRL,
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "dpv": dpv.DPV,
    "eu-gdpr": dpv.GDPR,
    "xsd": XSD,
    "Offer": "odrl:Offer",
    "Agreement": "odrl:Agreement",
    "profile": {"@id": "odrl:profile"} | _AT,
    "assigner": {"@id": "odrl:assigner"} | _AT,
    "assignee": {"@id": "odrl:assignee"} | _AT,
    "target": {"@id": "odrl:target"} | _AT,
    "permission": {"@id": "odrl:permission"},
    "prohibition": {"@id": "odrl:prohibition"},
    "obligation": {"@id": "odrl:obligation"},
    "duty": {"@id": "odrl:duty"},
    "constraint": {"@id": "odrl:constraint"},
    "action": {"@id": "odrl:action", "@type": "@vocab"},
    "leftOperand": {"@id": "odrl:leftOperand", "@type": "@vocab"},
    "operator": {"@id": "odrl:operator", "@type": "@vocab"},
    "rightOperand": {"@id": "odrl:rightOperand"},
    "timestamp": {"@id": "dct:issued", "@type": "xsd:dateTime"},
    "title": {"@id": "dct:title"},
    "description": {"@id": "dct:description"},
    **{
        name: f"odrl:{name}"
        for name in (
            "read", "distribute", "delete", "purpose", "recipient", "dateTime", "elapsedTime", "system", "eq", "lteq",
            "gteq", "lt", "isA", "isAnyOf", "isAllOf",
        )
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Use:
    """One reading, to be held against an agreement. ``calls``, ``rows``: of its day, with this one."""

    purpose: str
    organisation: str
    application: str
    at: datetime
    column: str
    calls: int
    rows: int


def allowed(agreement: Agreement, plan: Plan, use: Use) -> bool:
    """The plain predicate behind the export: whether the terms of an agreement cover a use."""
    return (
        use.purpose == agreement.purpose
        and use.organisation == agreement.organisation
        and use.application == agreement.application
        and agreement.valid_from <= use.at < agreement.valid_to
        and use.column in agreement.columns
        and use.calls <= plan.daily
        and use.rows <= plan.rows
    )


def offer(contract: Contract, base: str, *, target: bool = True, context: bool = True) -> dict[str, Any]:
    """What the owner of a product offers: a permission for each plan.

    ``base``: the city's address without its last slash. ``target``: False inside a catalogue, where the dataset is
    known from around it. ``context``: False inside a document that has one (Dataspace Protocol).
    """
    people = bool(personal_columns(contract, tuple(column.name for column in contract.properties)))
    wanted = [
        _constraint("purpose", "isAnyOf", [{"@id": dpv.iri(item.dpv)} for item in purposes(contract) if item.dpv])
    ]
    out: dict[str, Any] = {
        "@id": f"{base}/datasets/{contract.id}#offer-{contract.version}",
        "@type": "Offer",
        "profile": f"{base}/ns/odrl",
        "title": contract.title(),
        "assigner": organisation(base, owner_of(contract)),
        "permission": [
            _rule("read", target=None, title=plan.title,
                  constraint=[*_limits(plan), *(item for item in wanted if item["rightOperand"])])
            for plan in plans(contract)
        ],
        "prohibition": _prohibitions(people, ()),
    }  # fmt: skip
    if target:
        out["target"] = dataset(base, contract.id)
    return _with_context(out, base) if context else _whole(out, base)


def export(
    agreement: Agreement, contract: Contract, purpose: Purpose, base: str, *, context: bool = True
) -> dict[str, Any]:
    """What was agreed. ``contract``: the one it was agreed about, for its plan."""
    plan = plan_of(contract, agreement.plan) if any(p.id == agreement.plan for p in plans(contract)) else Plan("")
    why = f"{base}/agreements/{agreement.id}#purpose"
    constraints = [
        _constraint("purpose", "eq", {"@id": why}),
        _constraint("recipient", "eq", {"@id": organisation(base, agreement.organisation)}),
        _constraint("dateTime", "gteq", _moment(agreement.valid_from)),
        _constraint("dateTime", "lt", _moment(agreement.valid_to)),
        _constraint("arengo:column", "isAnyOf", list(agreement.columns)),
        *_limits(plan),
    ]
    if agreement.application:
        constraints.append(_constraint("system", "eq", {"@id": application(base, agreement.application)}))
    else:
        constraints.append(_constraint("system", "eq", {"@id": f"{base}/"}))
    if agreement.rows:
        constraints.append(_constraint("arengo:rowScope", "eq", agreement.rows))
    for name, mask in agreement.masks:
        constraints.append(_constraint("arengo:mask", "eq", f"{name} {mask}"))
    duties: list[dict[str, Any]] = []
    if purpose.retention:
        after = _constraint("elapsedTime", "lteq", {"@value": purpose.retention, "@type": "xsd:duration"})
        duties.append(_rule("delete", constraint=[after]))
    duties += [_rule("arengo:fulfil", description=text) for text in agreement.obligations]
    issued = max((given.at for given in agreement.approvals), default=agreement.updated_at)
    target = dataset(base, agreement.dataset)
    out: dict[str, Any] = {
        "@id": f"{base}/agreements/{agreement.id}",
        "@type": "Agreement",
        "profile": f"{base}/ns/odrl",
        "assigner": organisation(base, agreement.owner),
        "assignee": organisation(base, agreement.organisation),
        "target": target,
        "timestamp": _text(issued),
        "permission": [_rule("read", constraint=constraints)],
        "prohibition": _prohibitions(bool(personal_columns(contract, agreement.columns)), purpose.recipients),
        "arengo:statedPurpose": {
            "@id": why,
            "title": purpose.title,
            "description": purpose.text,
            "skos:broader": {"@id": dpv.iri(purpose.dpv)},
            **({"dpv:hasLegalBasis": {"@id": dpv.iri(purpose.legal_basis)}} if purpose.legal_basis else {}),
        },
        "arengo:state": agreement.state,
    }
    if duties:
        out["obligation"] = duties
    return _with_context(out, base) if context else _whole(out, base)


def profile(base: str) -> dict[str, Any]:
    """The Arengo profile of ODRL (section 4 of the Recommendation): the terms that its core lacks."""
    return {
        "@context": {
            "odrl": ODRL,
            "owl": "http://www.w3.org/2002/07/owl#",
            "skos": "http://www.w3.org/2004/02/skos/core#",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            "dct": "http://purl.org/dc/terms/",
            "arengo": namespace(base),
        },
        "@graph": [
            {
                "@id": f"{base}/ns/odrl",
                "@type": ["odrl:Profile", "owl:Ontology"],
                "dct:title": {"@value": "Arengo profile of ODRL 2.2", "@language": "en"},
            },
            *(
                {
                    "@id": f"arengo:{name}",
                    "@type": [f"odrl:{kind}", "skos:Concept"],
                    **({"odrl:includedIn": {"@id": "odrl:use"}} if kind == "Action" else {}),
                    "skos:prefLabel": {"@value": label, "@language": "en"},
                    "skos:definition": {"@value": words, "@language": "en"},
                    "rdfs:isDefinedBy": {"@id": f"{base}/ns/odrl"},
                }
                for name, (kind, label, words) in TERMS.items()
            ),
        ],
    }


def namespace(base: str) -> str:
    return f"{base}/ns/odrl#"


def organisation(base: str, id: str) -> str:
    """The address of an organisation in this city."""
    return f"{base}/organisations/{id}"


def dataset(base: str, id: str) -> str:
    return f"{base}/datasets/{id}"


def application(base: str, id: str) -> str:
    return f"{base}/applications/{id}"


def _limits(plan: Plan) -> list[dict[str, Any]]:
    return [
        _constraint("arengo:callsPerDay", "lteq", plan.daily),
        _constraint("arengo:rowsPerDay", "lteq", plan.rows),
        _constraint("arengo:requestsPerSecond", "lteq", plan.rate),
    ]


def _prohibitions(people: bool, recipients: tuple[str, ...]) -> list[dict[str, Any]]:
    """Nobody passes on what was given for one purpose, unless the purpose names to whom; nobody looks for people."""
    words = f"Except to: {', '.join(recipients)}." if recipients else ""
    out = [_rule("distribute", description=words)]
    return [_rule("arengo:reidentify"), *out] if people else out


def _rule(action: str, **parts: Any) -> dict[str, Any]:
    return {"action": action} | {name: value for name, value in parts.items() if value}


def _constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _moment(at: datetime) -> dict[str, str]:
    return {"@value": _text(at), "@type": "xsd:dateTime"}


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_PREFIXES = {"skos:": "http://www.w3.org/2004/02/skos/core#", "dpv:": dpv.DPV, "xsd:": XSD}


def _whole(part: Any, base: str) -> Any:
    """Terms with a prefix as whole addresses, for a document whose context does not know ours."""
    if isinstance(part, Mapping):
        return {_address(name, base): _whole(value, base) for name, value in part.items()}
    if isinstance(part, list):
        return [_whole(item, base) for item in part]
    return _address(part, base) if isinstance(part, str) else part


def _address(text: str, base: str) -> str:
    for prefix, address in ({"arengo:": namespace(base)} | _PREFIXES).items():
        if text.startswith(prefix) and text.removeprefix(prefix).isalnum():
            return address + text.removeprefix(prefix)
    return text


def _with_context(policy: dict[str, Any], base: str) -> dict[str, Any]:
    return {"@context": {**_CONTEXT, "arengo": namespace(base)}, **policy}
