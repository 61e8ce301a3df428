"""The steward's form: a contract edited in the browser, previewed, checked, and kept as its next version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.contract import Contract, Finding, Severity, lint, loads
from arengo.contract.document import parse
from arengo.errors import ContractError, NotAllowed
from arengo.portal.contract_form import Field, Section, changed, faults, sections
from arengo.portal.form import Form
from arengo.portal.language import LANGUAGES
from arengo.portal.operator import is_operator, record
from arengo.portal.visit import Visit
from arengo.services.stewardship import Proposal, Stewardship

EDITORS = ("steward", "publisher")
MOST = 1_000_000
"""Bytes of a posted form: a contract of hundreds of columns in six languages."""


def page(visit: Visit) -> Response:
    """``GET /datasets/{id}/edit``; ``?as=text`` shows the contract's own text."""
    _only_stewards(visit, visit.request.path_params["dataset"])
    return _form(visit, as_text=visit.param("as") == "text")


def take(visit: Visit, form: Form) -> Response:
    """``POST /datasets/{id}/edit``: show what would change, or keep it."""
    dataset = visit.request.path_params["dataset"]
    _only_stewards(visit, dataset)
    stewardship = Stewardship(visit.site.state)
    held = stewardship.current(dataset)
    as_text = "text" in form
    try:
        contract = loads(held.text)
        text = form["text"][0].replace("\r\n", "\n") if as_text else changed(contract, form, LANGUAGES)
        made = stewardship.propose(dataset, text)
        if form.one("base") != held.sha:
            return _form(visit, as_text=as_text, posted=form, moved=True)
        if form.one("do") == "keep" and made.sound:
            _only_the_citys(visit, contract, loads(text))
            kept = stewardship.keep(dataset, text, form.one("base"))
            record(visit, "contract edited", dataset, contract=kept.version, access=kept.access)
            return RedirectResponse(f"{visit.link('datasets', dataset)}", 303)
    except ContractError as error:
        return _form(visit, as_text=as_text, posted=form, problem=f"{error.met} {error.todo}".strip())
    return _form(visit, as_text=as_text, posted=form, made=made)


def _form(
    visit: Visit,
    *,
    as_text: bool,
    posted: Form | None = None,
    made: Proposal | None = None,
    problem: str = "",
    moved: bool = False,
) -> Response:
    dataset = visit.request.path_params["dataset"]
    held = Stewardship(visit.site.state).current(dataset)
    contract = loads(held.text)
    if moved:
        problem = visit._(
            "Somebody else changed this contract meanwhile; it is version %(version)s now. What you typed is below: "
            "show again what changes, and see that you take nothing back.",
            version=contract.version,
        )
    refused = bool((problem and not moved) or (made and made.errors))
    blamed = faults(contract, posted, LANGUAGES, _wrong) if refused and posted is not None and not as_text else {}
    parts = [] if as_text else sections(contract, LANGUAGES, visit._, posted, blamed)
    if blamed:
        problems = [(item.fault, item.label, item.name) for item in _fields(parts) if item.fault]
    elif problem:
        problems = [(problem, "", "")]
    else:
        errors = made.errors if made else ()
        # A line is of use to who sees the text.
        problems = [(_words(item), _where(visit, item.line) if as_text else "", "") for item in errors]
    values: dict[str, Any] = {
        "contract": contract,
        "dataset": dataset,
        "title": contract.title(visit.language),
        "base": posted.one("base") if posted is not None and not moved else held.sha,
        "as_text": as_text,
        "text": posted["text"][0] if as_text and posted is not None else held.text,
        "sections": parts,
        "names": LANGUAGES,
        "made": made,
        "problems": problems,
        "lines": _difference(held.text, made.text) if made is not None else [],
        "readers": [item for item in made.differences if item.breaking] if made is not None else [],
    }
    answer = visit.page("edit.html", values, 422 if problems else 200)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _fields(parts: Iterable[Section]) -> Iterator[Field]:
    for part in parts:
        yield from part.fields
        for name, cells in part.rows:
            yield from (replace(cell, label=f"{name}, {cell.label}") for cell in cells)


def _wrong(text: str) -> list[str]:
    return [_words(item) for item in lint(text) if item.severity is Severity.ERROR]


def _words(item: Finding) -> str:
    return f"{item.message} {item.todo}".strip()


def _where(visit: Visit, line: int | None) -> str:
    return visit._("line %(n)s", n=line) if line else ""


def _only_the_citys(visit: Visit, old: Contract, new: Contract) -> None:
    """Raises NotAllowed when an office changes whose the data is, whence it comes or who has to agree to a reader.

    It could read another's files, or take away the second pair of eyes.
    """
    fixed = [(item.owner, item.source, item.approvers) for item in (old, new)]
    if not is_operator(visit, roles=EDITORS) and fixed[0] != fixed[1]:
        raise NotAllowed(
            visit._("Whose data this is, where it comes from and who agrees to readers is the city's to change."),
            todo=visit._("Ask a publisher of the whole city, or whoever keeps its key."),
        )


def _only_stewards(visit: Visit, dataset: str) -> None:
    if not is_operator(visit, dataset, EDITORS):
        raise NotAllowed(
            visit._("Only stewards and publishers of the owner may edit this contract."),
            todo=visit._("Sign in as one of them first."),
        )


def _difference(before: str, after: str) -> list[tuple[str, str, str]]:
    """(place, what it held, what it holds) of every value that differs, in the order of the contract."""
    old, new = _values(parse(before).data), _values(parse(after).data)
    places = dict.fromkeys([*old, *new])
    return [
        (place, old.get(place, ""), new.get(place, "")) for place in places if old.get(place, "") != new.get(place, "")
    ]


def _values(data: Any) -> dict[str, str]:
    """Every single value by its place in words: columns and properties go by their names, not by their numbers."""
    out: dict[str, str] = {}
    pending: list[tuple[str, Any]] = [("", data)]
    while pending:
        place, value = pending.pop(0)
        if isinstance(value, dict):
            pending[:0] = [(f"{place} › {key}" if place else str(key), item) for key, item in value.items()]
        elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
            named = [
                (
                    str(item.get("name") or item.get("property") or number) if isinstance(item, dict) else str(number),
                    item,
                )
                for number, item in enumerate(value, 1)
            ]
            pending[:0] = [(f"{place} › {name}", item) for name, item in named]
        else:
            out[place] = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return out
