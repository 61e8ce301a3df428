"""From a question to a dataset: the drafted contract to read and take, and for the operator to save."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.responses import RedirectResponse, Response

from arengo.contract import Severity, lint, loads
from arengo.door import ANYONE
from arengo.door.sql.derived import draft
from arengo.errors import ArengoError, BadQuery, CallerError, ContractError, NotAllowed
from arengo.portal.form import Form
from arengo.portal.operator import KEEPERS, is_operator, record
from arengo.portal.visit import HEADERS, Visit

MOST = 300_000
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def page(visit: Visit) -> Response:
    """``GET /sql/dataset?q=...&id=...``."""
    text, problem = "", ""
    name = _name(visit)
    try:
        text = _drafted(visit, name)
    except (CallerError, ContractError) as error:
        problem = f"{error.met} {error.todo}".strip()
    return _show(visit, visit.param("q"), name, text, problem)


def file(visit: Visit) -> Response:
    """``GET /sql/dataset.yaml``: the draft as a file."""
    name = _name(visit)
    text = _drafted(visit, name)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.odcs.yaml"'}
    return Response(text.encode(), headers=headers, media_type="application/yaml; charset=utf-8")


def save(visit: Visit, form: Form) -> Response:
    """``POST /sql/dataset`` by the operator: the contract comes into force and into the city's folder."""
    if not is_operator(visit, roles=KEEPERS):
        raise NotAllowed("Only the city's operator saves contracts.", todo="Take the draft as a file instead.")
    text = (form.get("text", ("",))[0]).replace("\r\n", "\n")
    try:
        name = _adopt(visit, text)
    except ContractError as error:
        return _show(visit, form.one("q"), form.one("id"), text, f"{error.met} {error.todo}".strip())
    return RedirectResponse(f"/datasets/{name}", 303)


def _adopt(visit: Visit, text: str) -> str:
    for found in lint(text):
        if found.severity is Severity.ERROR:
            line = f"Line {found.line}: " if found.line else ""
            raise ContractError(f"{line}{found.message}", todo=found.todo)
    contract = loads(text)
    if not _ID.fullmatch(contract.id):
        raise ContractError(f"{contract.id!r} is no id.", todo="Write words of a-z and 0-9 with hyphens between.")
    relative = Path("contracts") / f"{contract.id}.odcs.yaml"
    target = visit.settings.root / relative
    if contract.id in visit.site.state.contracts() or target.exists():
        raise ContractError(f"There is a dataset {contract.id} already.", todo="Give this one another id.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("x", encoding="utf-8") as out:
        out.write(text)
    visit.site.state.put_contract(
        contract.id,
        version=contract.version,
        sha=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        path=str(relative),
        at=datetime.now(UTC),
    )
    record(visit, "contract added", contract.id, contract=contract.version, access=contract.access)
    return contract.id


def _show(visit: Visit, sql: str, name: str, text: str, problem: str) -> Response:
    operator = is_operator(visit, roles=KEEPERS)
    values: dict[str, Any] = {"sql": sql, "name": name, "text": text, "problem": problem, "operator": operator}
    answer = visit.page("query_dataset.html", values, 400 if problem and not text else 200)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _drafted(visit: Visit, name: str) -> str:
    sql = visit.param("q")
    if not sql:
        raise BadQuery("Which question?", todo="Begin on the page of questions.")
    if visit.door.judged(sql).parameters:
        raise BadQuery(
            "A dataset has no values to fill in.", todo="Write the value into the question where $name stands."
        )
    try:
        return draft(visit.door, sql, caller=ANYONE, id=name).text
    except ArengoError as error:
        if isinstance(error, (CallerError, ContractError)):
            raise
        raise BadQuery(error.title + ".") from error


def _name(visit: Visit) -> str:
    given = visit.param("id").lower().replace("_", "-").replace(" ", "-")
    return given if _ID.fullmatch(given) and len(given) <= 80 else "new-dataset"
