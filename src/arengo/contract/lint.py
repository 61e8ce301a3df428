"""Everything that is wrong, missing or doubtful in a contract, each with its line and what to do.

``error``: the contract cannot be applied. ``warning``: it can, but a reader or a checker will miss something.
``info``: to be looked at by a person, such as what the draft was unsure of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from arengo.contract import columns, cron, offer, persons, rules, standard, vocabulary
from arengo.contract.document import Document, Path, parse, place_of
from arengo.contract.finding import Finding, Report, Severity, by_line
from arengo.contract.load import WGS84, build, crs_code, unreadable
from arengo.contract.model import Contract, Kind
from arengo.errors import ContractError

STATUSES = ("proposed", "draft", "active", "deprecated", "retired")
SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_SECRET = re.compile(r"://[^/\s:@]+:(?!\$)[^/\s@]+@")
_SECRET_KEYS = re.compile(r"(password|passwd|secret|token|api[_-]?key|authorization)$", re.IGNORECASE)


def lint(text: str, path: FilePath | None = None) -> list[Finding]:
    """Findings of a contract's text, sorted by line. Never raises: text that is no YAML is one error.

    When no finding is an error, :func:`arengo.contract.loads` reads the text.
    """
    try:
        document = parse(text, str(path) if path else None)
    except ContractError as error:
        line = error.place.line if error.place else None
        return [Finding(Severity.ERROR, line, "not-yaml", error.met, error.todo)]
    found = unreadable(document)
    if any(item.severity is Severity.ERROR for item in found):
        return by_line(found)
    released = build(document, path=path)
    contract = released.as_read()
    report = Report(document.line, standard.spell, found)
    data = standard.modern(document.data)
    table = data["schema"][0]
    _identity(contract, document, data, report)
    _reuse(contract, document, report)
    _source(contract, document, report)
    columns.check(contract, report, document.data["schema"][0]["properties"])
    rules.check(contract, report, table)
    _layout(contract, document, report)
    _places(contract, document, report)
    persons.check(contract, document, report)
    offer.check(contract, document, report)
    _doubts(contract, document, report)
    return by_line(report.findings)


def _identity(contract: Contract, document: Document, data: Mapping[str, Any], report: Report) -> None:
    if len(data["schema"]) > 1:
        others = ", ".join(item["name"] for item in data["schema"][1:])
        report.error(
            ("schema", 1), "several-tables", f"The contract describes {len(data['schema'])} tables; Arengo reads "
            "one dataset from one contract.", f"Move {others} into contracts of their own.",
        )  # fmt: skip
    if not SEMVER.fullmatch(contract.version):
        report.warning(("version",), "version-not-semver", f"The version is '{contract.version}'.",
                       "Write three numbers, such as '1.0.0', so that readers see what a change means.")  # fmt: skip
    if contract.status and contract.status not in STATUSES:
        report.warning(("status",), "unknown-status", f"The status is '{contract.status}'.",
                       f"Write one of {', '.join(STATUSES)}.")  # fmt: skip
    if not contract.name.strip():
        report.warning((), "no-title", "The dataset has no title.", "Add 'name: ...': what a citizen would call it.")
    if not contract.purpose.strip():
        report.warning(("description",), "no-description", "Nothing says what the dataset is.",
                       "Add 'description:' with 'purpose: ...': one or two sentences.")  # fmt: skip
    bare = [item.name for item in contract.properties if not item.description.strip()]
    if bare:
        report.info(
            ("schema", 0, "properties"), "no-column-description",
            f"{len(bare)} of {len(contract.properties)} columns have no description: {_some(bare)}.",
            "Add 'description: ...' where the name alone does not tell.",
        )  # fmt: skip
    for language, words in dict(contract.custom.get("arengoTranslations", {})).items():
        for name in words.get("columns", {}):
            if contract.column(name) is None:
                report.warning(
                    place_of(document, "arengoTranslations"), "unknown-column",
                    f"The {language} translation labels the column '{name}', which does not exist.",
                    columns.nearest(name, _names(contract)),
                )  # fmt: skip
    for number, item in enumerate(data.get("slaProperties") or ()):
        if item.get("schedule") and item.get("scheduler", "cron") == "cron":
            _cron(item["schedule"], ("slaProperties", number, "schedule"), report)


def _reuse(contract: Contract, document: Document, report: Report) -> None:
    place = place_of(document, "arengoLicence")
    if not contract.licence:
        report.warning((), "no-licence", "No licence says what readers may do with the data.",
                       "Add arengoLicence, such as CC-BY-4.0.")  # fmt: skip
    else:
        known = vocabulary.licence(contract.licence)
        if known is None and not contract.licence.startswith(("http://", "https://")):
            report.warning(place, "unknown-licence", f"The licence '{contract.licence}' is not in the list.",
                           f"Write one of {', '.join(vocabulary.LICENCES)}, or the address of its text.")  # fmt: skip
        elif known is not None and known.code != contract.licence:
            report.info(place, "licence-spelling", f"'{contract.licence}' is read as {known.code}.",
                        f"Write {known.code}.")  # fmt: skip
        if known is not None and contract.access == "open" and not known.open:
            report.warning(place, "licence-not-open", f"The dataset is open, but {known.code} is no open licence.",
                           "Choose an open licence, or write arengoAccess: shared.")  # fmt: skip
        if known is not None and contract.custom.get("arengoHvdCategory") and not known.hvd:
            report.warning(
                place, "licence-too-strict", f"{known.code} is stricter than CC BY 4.0, which is the most that "
                "Regulation (EU) 2023/138 allows for high-value datasets.", "Choose CC-BY-4.0 or CC0-1.0.",
            )  # fmt: skip
    if not contract.theme:
        report.warning((), "no-theme", "No theme says where the dataset is found.",
                       f"Add arengoTheme with one of {', '.join(vocabulary.THEMES)}.")  # fmt: skip
    if not contract.owner:
        report.warning((), "no-owner", "Nobody answers for the dataset.", "Add arengoOwner: the office in charge.")
    if not contract.frequency and "frequency" not in contract.sla:
        report.info((), "no-frequency", "Nothing says how often the data is renewed, so it is published by hand only.",
                    "Add arengoFrequency, such as MONTHLY.")  # fmt: skip
    schedule = contract.custom.get("arengoSchedule")
    if schedule:
        _cron(schedule, place_of(document, "arengoSchedule"), report)


def _cron(line: str, place: Path, report: Report) -> None:
    problem = cron.complaint(line)
    if problem:
        report.error(place, "wrong-schedule", problem, "Write '30 5 * * 1-5' for half past five on working days, say.")


def _source(contract: Contract, document: Document, report: Report) -> None:
    mode = contract.custom.get("arengoMode", "replace")
    incremental = contract.source.options.get("incremental") if contract.source else None
    if mode == "upsert" and not contract.key:
        report.error(place_of(document, "arengoMode"), "upsert-without-key", "upsert replaces rows of the same key, "
                     "but no column is part of the key.", "Write 'primaryKey: true' on the key's columns.")  # fmt: skip
    if incremental:
        place = place_of(document, "arengoIncremental") or place_of(document, "arengoSource") or ("servers",)
        if mode == "replace":
            report.error(place, "incremental-replace", "An incremental pull brings new rows only, and the mode replace "
                         "would drop all others.", "Add arengoMode: append or upsert.")  # fmt: skip
        names = {name for item in contract.properties for name in (item.name, item.physical_name)}
        if incremental not in names:
            report.error(place, "unknown-column", f"The incremental pull names '{incremental}', which does not exist.",
                         columns.nearest(str(incremental), _names(contract)))  # fmt: skip
    source = contract.source
    if source is None:
        report.warning(("servers",), "no-source", "Nothing says where the rows come from, so it cannot be published.",
                       "Add arengoSource: {kind: csv, path: sources/FILE}, say.")  # fmt: skip
        return
    place = place_of(document, "arengoSource") or ("servers",)
    path = str(source.options.get("path", ""))
    if path and not path.startswith(("http://", "https://")):
        if FilePath(path).is_absolute():
            report.info(place, "absolute-path", f"The source is the absolute path {path}, which another machine may "
                        "not have.", "Put the file below the city folder.")  # fmt: skip
        elif ".." in FilePath(path).parts:
            report.warning(place, "path-outside", f"The source {path} leaves the city folder.",
                           "Put the file below the city folder.")  # fmt: skip
    headers = source.options.get("headers")
    for key, value in (*source.options.items(), *(headers.items() if isinstance(headers, Mapping) else ())):
        if isinstance(value, str) and (_SECRET.search(value) or (_SECRET_KEYS.search(key) and "$" not in value)):
            report.warning(place, "secret-in-contract", f"The option '{key}' of the source holds a password that all "
                           "who read the contract see.", "Use password_env or headers_env.")  # fmt: skip


def _layout(contract: Contract, document: Document, report: Report) -> None:
    def exists(name: str, custom: str, kinds: Iterable[Kind] = (), not_kinds: Iterable[Kind] = ()) -> None:
        place = place_of(document, custom)
        bare = name.removeprefix("-")
        column = contract.column(bare)
        if column is None:
            report.error(place, "unknown-column", f"{custom} names the column '{bare}', which does not exist.",
                         columns.nearest(bare, _names(contract)))  # fmt: skip
        elif (kinds and column.kind not in kinds) or column.kind in not_kinds:
            wanted = " or ".join(kinds) if kinds else "anything but " + ", ".join(not_kinds)
            report.error(place, "wrong-kind", f"{custom} names '{bare}', which is of type {column.kind}; {wanted} is "
                         "wanted.", "Name another column, or change its type.")  # fmt: skip

    for name in contract.sort:
        exists(name, "arengoSort", not_kinds=(Kind.GEOMETRY, Kind.JSON))
    for group in contract.filters:
        for name in group:
            exists(name, "arengoFilters", not_kinds=(Kind.GEOMETRY, Kind.JSON))
    for name in contract.custom.get("arengoSearch", ()):
        exists(name, "arengoSearch", kinds=(Kind.STRING,))
    if contract.custom.get("arengoTime"):
        exists(str(contract.custom["arengoTime"]), "arengoTime", kinds=(Kind.DATE, Kind.TIMESTAMP))


def _places(contract: Contract, document: Document, report: Report) -> None:
    geometry = contract.geometry
    places = [("arengoCrs", place_of(document, "arengoCrs"), contract.custom.get("arengoCrs"))]
    places += [
        ("arengoCrs", ("schema", 0, "properties", number), item.custom.get("arengoCrs"))
        for number, item in enumerate(contract.properties)
    ]
    for name, place, value in places:
        if value is not None and not crs_code(value):
            report.error(place, "unknown-crs", f"{name} is {value!r}, which is no reference system.",
                         f"Write '{WGS84}' or the number of yours.")  # fmt: skip
    if geometry is None:
        if "arengoCrs" in contract.custom:
            report.warning(place_of(document, "arengoCrs"), "crs-without-geometry", "There is a reference system, but "
                           "no geometry.", "Add arengoGeometry: {x: ..., y: ...}, or take it out.")  # fmt: skip
        return
    place = place_of(document, "arengoGeometry")
    wanted: list[tuple[str, tuple[Kind, ...]]] = [
        (geometry.x, (Kind.NUMBER, Kind.INTEGER)),
        (geometry.y, (Kind.NUMBER, Kind.INTEGER)),
    ]
    if not geometry.derived:
        wanted.append((geometry.column, (Kind.GEOMETRY,)))
    for name, kinds in wanted:
        column = contract.column(name) if name else None
        if name and column is None:
            report.error(place, "unknown-column", f"arengoGeometry names the column '{name}', which does not exist.",
                         columns.nearest(name, _names(contract)))  # fmt: skip
        elif column is not None and column.kind not in kinds:
            todo = (
                "Give it logicalType object and physicalType geometry."
                if kinds == (Kind.GEOMETRY,)
                else "Give it logicalType number."
            )
            report.error(place, "wrong-kind", f"arengoGeometry names '{name}', which is of type {column.kind}.", todo)
    if geometry.x and geometry.x == geometry.y:
        report.error(place, "same-axes", f"x and y are both '{geometry.x}'.", "x is the longitude, y the latitude.")
    more = [item.name for item in contract.properties if item.kind is Kind.GEOMETRY and item.name != geometry.column]
    if more:
        report.info(place, "more-geometries", f"The map shows '{geometry.column or geometry.x}'; {_some(more)} is held "
                    "beside it.", "Name another in arengoGeometry if that one is the place of a row.")  # fmt: skip


def _doubts(contract: Contract, document: Document, report: Report) -> None:
    def each(value: Any, place: Path, what: str) -> None:
        for text in (value,) if isinstance(value, str) else value or ():
            report.info(place, "doubt", f"The draft is unsure{what}: {text}",
                        "Check it, then take arengoDoubt out.")  # fmt: skip

    each(contract.custom.get("arengoDoubt"), place_of(document, "arengoDoubt"), "")
    for number, column in enumerate(contract.properties):
        place: Path = ("schema", 0, "properties", number)
        each(column.custom.get("arengoDoubt"), place, f" about '{column.name}'")


def _names(contract: Contract) -> list[str]:
    return [item.name for item in contract.properties]


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
