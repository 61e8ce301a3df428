"""DCAT-AP_IT as a second profile: the same nodes with what the Italian profile asks for beside.

Source: ontology DCAT-AP_IT and the list of licences of the controlled vocabularies
(italia/daf-ontologie-vocabolari-controllati): double types, rights holder, one identifier and one name for every
agent (the IPA code), the licence as a leaf of the Italian tree with type, name and version. It rests on DCAT-AP 1.x,
so what DCAT renamed since is said in the older words as well; it is served apart, never merged with the European one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from arengo.catalogue import Agent
from arengo.contract.vocabulary import licence
from arengo.faces.dcat.graph import TYPE, Node, Object, Text, literal, name

_TYPES = {
    "dcat:Catalog": "dcatapit:Catalog",
    "dcat:Dataset": "dcatapit:Dataset",
    "dcat:Distribution": "dcatapit:Distribution",
    "foaf:Agent": "dcatapit:Agent",
    "vcard:Organization": "dcatapit:Organization",
    "dct:LicenseDocument": "dcatapit:LicenseDocument",
    "dct:PeriodOfTime": "dcatapit:PeriodOfTime",
    "dct:Location": "dcatapit:Location",
    "dct:Standard": "dcatapit:Standard",
}
DOUBLE = {name(plain): name(italian) for plain, italian in _TYPES.items()}
TREE = "https://w3id.org/italia/controlled-vocabulary/licences/"
LICENCES: Mapping[str, tuple[str, str, str]] = {
    "CC0-1.0": ("A11_CCO10", "1.0", "Creative Commons CC0 1.0 Universale - Public Domain Dedication (CC0 1.0)"),
    "PDDL-1.0": ("A12_PDDL", "1.0", "ODC Public Domain Dedication and License (PDDL)"),
    "CC-BY-4.0": ("A21_CCBY40", "4.0", "Creative Commons Attribuzione 4.0 Internazionale (CC BY 4.0)"),
    "CC-BY-3.0": ("A22_CCBY30", "3.0", "Creative Commons Attribuzione 3.0 Unported (CC BY 3.0)"),
    "IODL-2.0": ("A29_IODL20", "2.0", "Italian Open Data License 2.0 (IODL 2.0)"),
    "ODC-By-1.0": ("A210_ODCBY", "1.0", "Open Data Commons Attribution License (ODC_BY)"),
    "CC-BY-SA-4.0": (
        "A31_CCBYSA40", "4.0", "Creative Commons Attribuzione-Condividi allo stesso modo 4.0 "
        "Internazionale (CC BY-SA 4.0)",
    ),
    "CC-BY-SA-3.0": (
        "A32_CCBYSA30", "3.0", "Creative Commons Attribuzione-Condividi allo stesso modo 3.0 Unported (CC BY-SA 3.0)",
    ),
    "IODL-1.0": ("A39_IODL10", "1.0", "Italian Open Data License 1.0 (IODL 1.0)"),
    "ODbL-1.0": ("A310_ODBL", "1.0", "Open Data Commons Open Database License 1.0 (ODbL)"),
    "CC-BY-NC-4.0": (
        "B11_CCBYNC40", "4.0", "Creative Commons Attribuzione-Non Commerciale 4.0 Internazionale (CC BY-NC 4.0)",
    ),
    "CC-BY-NC-SA-4.0": (
        "B19_CCBYNCSA40", "4.0", "Creative Commons Attribuzione-Non Commerciale-Condividi allo stesso modo 4.0 "
        "Internazionale (CC BY-NC-SA 4.0)",
    ),
    "CC-BY-ND-4.0": (
        "B21_CCBYND40", "4.0", "Creative Commons Attribuzione-Non Opere Derivate 4.0 Internazionale (CC BY-ND 4.0)",
    ),
}  # fmt: skip
"""Licence -> leaf of the Italian tree, version, Italian name. What is open and not in the tree is *Attribuzione*."""
_OTHER_OPEN = ("A2_Attribution", "1.0", "Attribuzione")
_UNKNOWN = ("C1_Unknown", "1.0", "Licenza Sconosciuta")
_OLDER = {
    name("dcat:startDate"): name("schema:startDate"),
    name("dcat:endDate"): name("schema:endDate"),
    name("dcat:version"): name("owl:versionInfo"),
}
"""What DCAT 2 and 3 renamed: predicate -> the one of DCAT 1."""


def profile(nodes: Iterable[Node], city: Agent) -> Iterator[Node]:
    """The nodes with Italian types and mandatory properties. ``city.identifier``: its IPA code."""
    moved: dict[str, str] = {}  # address of a licence -> its leaf in the tree
    for node in nodes:
        kinds = [value for predicate, value in node.said if predicate == TYPE]
        said: dict[tuple[str, Object], None] = {
            (TYPE, DOUBLE[kind]): None for kind in kinds if isinstance(kind, str) and kind in DOUBLE
        }
        for predicate, value in node.said:
            if predicate == name("dct:license") and isinstance(value, str):
                value = moved.setdefault(value, TREE + _leaf(value)[0])
            said[predicate, value] = None
            if predicate in _OLDER:
                said[_OLDER[predicate], value] = None
        held = {predicate for predicate, _ in said}
        address = node.iri
        if name("dcat:Dataset") in kinds:
            said = _dataset(said, held, city)
        if name("foaf:Agent") in kinds:
            if name("dct:identifier") not in held:
                said[name("dct:identifier"), literal(city.identifier or city.id)] = None
            said = _one(said, name("foaf:name"))
        if name("vcard:Organization") in kinds:
            said = _one(said, name("vcard:fn"))
        if name("dct:LicenseDocument") in kinds:
            leaf, version, title = _leaf(address)
            moved[address] = address = TREE + leaf
            said[name("foaf:name"), literal(title, "it")] = None
            said[name("owl:versionInfo"), literal(version)] = None
            said[name("skos:exactMatch"), node.iri] = None
        yield Node(address, tuple(said))


def _dataset(said: dict[tuple[str, Object], None], held: set[str], city: Agent) -> dict[tuple[str, Object], None]:
    out: dict[tuple[str, Object], None] = {}
    for predicate, value in said:
        if predicate == name("dct:identifier") and isinstance(value, Text) and city.identifier:
            value = literal(f"{city.identifier}:{value.value}")  # unique among all public bodies
        out[predicate, value] = None
        if predicate == name("dct:publisher") and name("dct:rightsHolder") not in held:
            out[name("dct:rightsHolder"), value] = None
    return out


def _one(said: dict[tuple[str, Object], None], wanted: str) -> dict[tuple[str, Object], None]:
    """Only one value of ``wanted``: the Italian when there is one, else the first."""
    values = [value for predicate, value in said if predicate == wanted]
    italian = [value for value in values if isinstance(value, Text) and value.language.startswith("it")]
    kept = next(iter(italian or values), None)
    return {(predicate, value): None for predicate, value in said if predicate != wanted or value == kept}


def _leaf(address: str) -> tuple[str, str, str]:
    known = licence(address)
    if known is None:
        return _UNKNOWN
    return LICENCES.get(known.code) or (_OTHER_OPEN if known.open else _UNKNOWN)
