"""The promise: what a dataset is, where it comes from, who answers for it.

In: the text of one Open Data Contract Standard file (3.x). Out: a frozen :class:`Contract`, findings with line
numbers, and the comparison of two versions. Promise: the raw text stays the artefact of record; types are declared,
never guessed at load; no key of the author's is dropped in silence. May import: errors, settings. A new fact about
datasets is one entry in :mod:`arengo.contract.properties`.
"""

from arengo.contract.breaking import Comparison, Effect, compare, next_version, version_asked, version_gap
from arengo.contract.finding import Finding, Severity
from arengo.contract.lint import lint
from arengo.contract.load import load, loads, sha
from arengo.contract.model import EMPTY, Contract, Frozen, Geometry, Kind, Parse, Property, Rule, SourceSpec
from arengo.contract.properties import PROPERTIES, CustomProperty, reference_table

__all__ = [
    "EMPTY",
    "PROPERTIES",
    "Comparison",
    "Contract",
    "CustomProperty",
    "Effect",
    "Finding",
    "Frozen",
    "Geometry",
    "Kind",
    "Parse",
    "Property",
    "Rule",
    "Severity",
    "SourceSpec",
    "compare",
    "lint",
    "load",
    "loads",
    "next_version",
    "reference_table",
    "sha",
    "version_asked",
    "version_gap",
]
