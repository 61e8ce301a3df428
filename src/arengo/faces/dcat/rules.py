"""What DCAT-AP 3.0.1 asks of a description, as a table, and the check of emitted nodes against it.

Source: the classes of the specification and its shapes (SEMICeu/DCAT-AP, releases/3.0.1, ``dcat-ap-SHACL.ttl``), every
constraint of a property that they hold: how often, which kind of value, which class of what is referred to. The check
runs without a SHACL engine, so a page can say of fifty thousand descriptions what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arengo.faces.dcat.graph import PREFIXES, TYPE, Node, Object, name


@dataclass(frozen=True, slots=True)
class Rule:
    """``value``: ``text`` (a literal), ``iri`` (a resource), a datatype, or the class a resource must have.

    ``most`` None: as often as one likes.
    """

    path: str
    value: str
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Breach:
    """A description that breaks a rule. ``subject``: its address."""

    subject: str
    kind: str
    path: str
    words: str


_TABLE = """
dcat:Catalog
  dct:title text 1 | dct:description text 1 | dct:publisher foaf:Agent 1 1 | dct:creator foaf:Agent 0 1
  dct:issued text 0 1 | dct:modified text 0 1 | dct:license dct:LicenseDocument 0 1 | dct:rights dct:RightsStatement
  foaf:homepage foaf:Document 0 1 | dct:language dct:LinguisticSystem | dct:spatial dct:Location
  dct:temporal dct:PeriodOfTime | dcat:themeTaxonomy skos:ConceptScheme | dcat:dataset dcat:Dataset
  dcat:service dcat:DataService | dcat:catalog dcat:Catalog | dct:hasPart dcat:Catalog | dcat:record dcat:CatalogRecord
  dcatap:applicableLegislation eli:LegalResource
dcat:CatalogRecord
  dct:modified text 1 1 | foaf:primaryTopic dcat:Resource 1 1 | adms:status skos:Concept 0 1 | dct:issued text 0 1
  dct:source dcat:CatalogRecord 0 1 | dct:language dct:LinguisticSystem | dct:conformsTo dct:Standard
  dct:title text | dct:description text
dcat:Dataset
  dct:title text 1 | dct:description text 1 | dct:publisher foaf:Agent 0 1 | dct:creator foaf:Agent
  dcat:contactPoint vcard:Kind | dcat:distribution dcat:Distribution | adms:sample dcat:Distribution
  dcat:keyword text | dcat:theme skos:Concept | dct:type skos:Concept | dct:spatial dct:Location
  dct:temporal dct:PeriodOfTime | dct:accessRights dct:RightsStatement 0 1 | dct:accrualPeriodicity dct:Frequency 0 1
  dct:issued text 0 1 | dct:modified text 0 1 | dcat:version text 0 1 | adms:versionNotes text
  dcat:hasVersion dcat:Dataset | dct:source dcat:Dataset | dcat:inSeries dcat:DatasetSeries
  dct:identifier text | adms:identifier adms:Identifier | dct:language dct:LinguisticSystem
  dct:conformsTo dct:Standard | dct:provenance dct:ProvenanceStatement | dct:relation iri | dct:isReferencedBy iri
  dcat:qualifiedRelation dcat:Relationship | prov:qualifiedAttribution prov:Attribution
  prov:wasGeneratedBy prov:Activity | dcat:landingPage foaf:Document | foaf:page foaf:Document
  dcat:spatialResolutionInMeters xsd:decimal | dcat:temporalResolution xsd:duration 0 1
  dcatap:applicableLegislation eli:LegalResource
dcat:DatasetSeries
  dct:title text 1 | dct:description text 1 | dct:publisher foaf:Agent 0 1 | dcat:contactPoint vcard:Kind
  dct:spatial dct:Location | dct:temporal dct:PeriodOfTime | dct:accrualPeriodicity dct:Frequency 0 1
  dct:issued text 0 1 | dct:modified text 0 1 | dcatap:applicableLegislation eli:LegalResource
dcat:Distribution
  dcat:accessURL iri 1 | dcat:downloadURL iri | dct:title text | dct:description text
  dct:format dct:MediaTypeOrExtent 0 1 | dcat:mediaType dct:MediaType 0 1 | dcat:compressFormat dct:MediaType 0 1
  dcat:packageFormat dct:MediaType 0 1 | dcat:byteSize xsd:nonNegativeInteger 0 1 | spdx:checksum spdx:Checksum 0 1
  dct:license dct:LicenseDocument 0 1 | dct:rights dct:RightsStatement | odrl:hasPolicy odrl:Policy 0 1
  dcatap:availability skos:Concept 0 1 | adms:status skos:Concept 0 1 | dct:issued text 0 1 | dct:modified text 0 1
  dcat:accessService dcat:DataService | dct:language dct:LinguisticSystem | dct:conformsTo dct:Standard
  foaf:page foaf:Document | dcat:spatialResolutionInMeters xsd:decimal 0 1 | dcat:temporalResolution xsd:duration 0 1
  dcatap:applicableLegislation eli:LegalResource
dcat:DataService
  dct:title text 1 | dct:description text | dcat:endpointURL iri 1 | dcat:endpointDescription iri
  dct:publisher foaf:Agent 0 1 | dcat:contactPoint vcard:Kind | dct:license dct:LicenseDocument 0 1
  dct:accessRights dct:RightsStatement 0 1 | dcat:keyword text | dcat:theme skos:Concept
  dct:format dct:MediaTypeOrExtent | dcat:servesDataset dcat:Dataset | dct:conformsTo dct:Standard
  dcat:landingPage foaf:Document | foaf:page foaf:Document | dcatap:applicableLegislation eli:LegalResource
dcat:Relationship
  dct:relation iri 1 | dcat:hadRole dcat:Role 1
foaf:Agent
  foaf:name text 1 | dct:type skos:Concept 0 1
adms:Identifier
  skos:notation text 1 1
spdx:Checksum
  spdx:algorithm spdx:ChecksumAlgorithm 1 1 | spdx:checksumValue xsd:hexBinary 1 1
skos:Concept
  skos:prefLabel text 1
skos:ConceptScheme
  dct:title text 1
dct:LicenseDocument
  dct:type skos:Concept
dct:Location
  dcat:bbox text 0 1 | dcat:centroid text 0 1 | locn:geometry locn:Geometry 0 1
dct:PeriodOfTime
  dcat:startDate text 0 1 | dcat:endDate text 0 1 | time:hasBeginning time:Instant 0 1 | time:hasEnd time:Instant 0 1
"""


def _read(table: str) -> Mapping[str, tuple[Rule, ...]]:
    out: dict[str, tuple[Rule, ...]] = {}
    kind = ""
    for line in table.strip().splitlines():
        if not line.startswith(" "):
            kind = line
            continue
        for part in line.split("|"):
            path, value, *often = part.split()
            least = int(often[0]) if often else 0
            out[kind] = (*out.get(kind, ()), Rule(path, value, least, int(often[1]) if len(often) > 1 else None))
    return out


RULES: Mapping[str, tuple[Rule, ...]] = _read(_TABLE)
"""Class -> what is asked of its properties; names with their prefixes."""

_KNOWN: Mapping[str, tuple[str, tuple[Rule, ...]]] = {name(kind): (kind, rules) for kind, rules in RULES.items()}


def _full(text: str) -> str:
    return name(text) if text.partition(":")[0] in PREFIXES else text


_CHECKS = {
    kind: tuple((rule, _full(rule.path), _full(rule.value)) for rule in rules) for kind, (_, rules) in _KNOWN.items()
}


def breaches(nodes: Iterable[Node]) -> list[Breach]:
    """What in a complete description breaks DCAT-AP 3.0.1."""
    said: dict[str, dict[str, list[Object]]] = {}
    for node in nodes:
        held = said.setdefault(node.iri, {})
        for predicate, value in node.said:
            held.setdefault(predicate, []).append(value)
    found: list[Breach] = []
    for subject, told in said.items():
        for kind in told.get(TYPE, ()):
            for rule, path, wanted in _CHECKS.get(str(kind), ()):
                words = _wrong(rule, wanted, told.get(path, []), said)
                if words:
                    found.append(Breach(subject, _KNOWN[str(kind)][0], rule.path, words))
    return found


def _wrong(rule: Rule, wanted: str, values: list[Object], said: Mapping[str, Mapping[str, list[Object]]]) -> str:
    if len(values) < rule.least:
        return "missing"
    if rule.most is not None and len(values) > rule.most:
        return f"{len(values)} times, {rule.most} at most"
    for value in values:
        if rule.value == "text" or rule.value.startswith("xsd:"):
            if isinstance(value, str):
                return "an address where a text belongs"
            if rule.value != "text" and value.datatype != wanted:
                return f"not a {rule.value}"
        elif not isinstance(value, str):
            return "a text where an address belongs"
        elif rule.value != "iri" and wanted not in said.get(value, {}).get(TYPE, ()):
            return f"{value} is not described as {rule.value}"
    return ""
