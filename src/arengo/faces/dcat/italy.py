"""DCAT-AP_IT as a second profile: the same nodes with what the Italian profile asks for beside.

Source: ontology DCAT-AP_IT (italia/daf-ontologie-vocabolari-controllati, Ontologie/DCAT): double types, rights holder,
one identifier for every agent (the IPA code), licence with type and version. It rests on DCAT-AP 1.x, so it is served
apart and never merged with the European one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arengo.catalogue import Agent
from arengo.faces.dcat.graph import PREFIXES, TYPE, Node, Object, literal, name

_TYPES = {
    "dcat:Catalog": "dcatapit:Catalog",
    "dcat:Dataset": "dcatapit:Dataset",
    "dcat:Distribution": "dcatapit:Distribution",
    "foaf:Agent": "dcatapit:Agent",
    "vcard:Organization": "dcatapit:Organization",
    "dct:LicenseDocument": "dcatapit:LicenseDocument",
    "dct:PeriodOfTime": "dcatapit:PeriodOfTime",
    "dct:Location": "dcatapit:Location",
}
DOUBLE = {name(plain): name(italian) for plain, italian in _TYPES.items()}


def profile(nodes: Iterable[Node], city: Agent) -> Iterator[Node]:
    """The nodes with Italian types and mandatory properties. ``city.identifier``: its IPA code."""
    for node in nodes:
        said: list[tuple[str, Object]] = list(node.said)
        kinds = {value for predicate, value in said if predicate == TYPE}
        said = [(TYPE, DOUBLE[str(kind)]) for kind in kinds if kind in DOUBLE] + said
        held = {predicate for predicate, _ in said}
        if name("dcat:Dataset") in kinds and name("dct:rightsHolder") not in held:
            holder = next((value for predicate, value in said if predicate == name("dct:publisher")), None)
            if holder is not None:
                said.append((name("dct:rightsHolder"), holder))
        if name("foaf:Agent") in kinds and name("dct:identifier") not in held:
            said.append((name("dct:identifier"), literal(city.identifier or city.id)))
        if name("dct:LicenseDocument") in kinds:
            said.append((name("owl:versionInfo"), literal(_version(node.iri))))
            titles = [value for predicate, value in said if predicate == name("dct:title")]
            said += [(name("foaf:name"), value) for value in titles]
        if name("dct:PeriodOfTime") in kinds:
            said += [
                (PREFIXES["schema"] + predicate.rsplit("#", 1)[-1], value)
                for predicate, value in node.said
                if predicate in (name("dcat:startDate"), name("dcat:endDate"))
            ]
        yield Node(node.iri, tuple(said))


def _version(address: str) -> str:
    """The version a licence's address ends with (``CC_BY_4_0``, ``.../by/4.0/``)."""
    tail = address.rstrip("/").replace("_", ".")
    digits = tail.rsplit("/", 1)[-1].split(".")
    numbers = [part for part in digits[-2:] if part.isdigit()]
    return ".".join(numbers) or "1.0"
