"""The gate: runs every step over one publication and composes the verdict with its repairs.

The steps are those of the overlap check in the order of its algorithm; each is one function ``Case -> Report`` of the
registry :data:`STEPS`, imported when it runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from arengo.errors import storage_full
from arengo.privacy.declared import reason_of
from arengo.privacy.finding import Finding, Report
from arengo.privacy.statistics import alone
from arengo.privacy.verdict import Assumption, Repair, Verdict

if TYPE_CHECKING:
    from arengo.privacy.case import Case

_log = logging.getLogger(__name__)
STEPS: tuple[tuple[str, str], ...] = (
    ("detection", "arengo.privacy.detect.step"),
    ("leaks", "arengo.privacy.detect.leaks"),
    ("single", "arengo.privacy.risk.step"),
    ("joint", "arengo.privacy.overlap.joint"),
    ("intersection", "arengo.privacy.overlap.intersection"),
    ("linkage", "arengo.privacy.risk.linkage"),
    ("cells", "arengo.privacy.cells.step"),
    ("differencing", "arengo.privacy.cells.differencing"),
    ("budget", "arengo.privacy.noise.step"),
)
"""Name of a step -> module whose ``look(case)`` takes it."""
REPAIRS = ("arengo.privacy.repair", "arengo.privacy.cells.repair")
"""Modules whose ``propose(case, findings)`` gives repairs."""


def judge(case: Case, progress: Callable[[str, int, int | None], None] = lambda step, done, total: None) -> Verdict:
    """The verdict on ``case``. A step that cannot look says so in a finding; it never passes silently."""
    case = replace(case, reckoning=case.reckoned())
    findings: list[Finding] = []
    measured: dict[str, Any] = {"release": {"rows": case.release.rows}}
    for number, (name, module) in enumerate(STEPS):
        progress(name, number, len(STEPS))
        report: Report = import_module(module).look(case)
        findings += report.findings
        if report.measured:
            measured[name] = dict(report.measured)
    findings = _unsure(findings)
    if case.contract.access != "open":
        findings = _unheld(findings, "not-public")
    elif alone(case.contract):
        findings = _unheld(findings, "groups-only")
    repairs: tuple[Repair, ...] = ()
    if any(item.outcome in ("repair", "block") for item in findings):
        case = replace(case, table=case.whole() or case.table, people="")
        store = getattr(case.truth, "store", None)
        if store is not None:
            store()  # repairs read the register many times
        for module in REPAIRS:
            repairs += _proposed(case, module, findings)
        if REPAIRS and not repairs:
            from arengo.privacy.repair import none

            findings += none(case, findings)
    from arengo.privacy.cells import undeclared

    repairs += undeclared.propose(case, findings)
    from arengo.contract.load import sha

    return Verdict(
        case.release.dataset, sha(case.contract), case.now, tuple(findings), repairs, assumptions(case), measured
    )


def _proposed(case: Case, module: str, findings: list[Finding]) -> tuple[Repair, ...]:
    """What a module suggests. The verdict stands whether or not something can be suggested: what is held back because
    it exposes people is not a run that failed, which somebody would only try again."""
    try:
        return tuple(import_module(module).propose(case, tuple(findings)))
    except Exception as error:
        if (full := storage_full(error)) is not None:
            raise full from None
        kind = type(error).__name__  # its words may quote values of the data
        _log.warning("No repairs of %s could be tried for %s: %s", module, case.release.dataset, kind)
        return ()


def _unsure(findings: list[Finding]) -> list[Finding]:
    """Without the word that nothing can be worked out, where something can, or was not looked at."""
    open_ = {item.code for item in findings if item.outcome != "pass"}
    if "not-looked" in open_ or any(code.startswith("cells-") for code in open_):
        return [item for item in findings if item.code != "cells-judged"]
    return findings


def _unheld(findings: list[Finding], why: str) -> list[Finding]:
    """What was found in a dataset whose rows are not open: said, but people decide who reads it, or only groups are
    told."""
    said = [item for item in findings if item.code != why]
    return [Finding(why), *(replace(item, outcome="pass") for item in said)]


def assumptions(case: Case) -> tuple[Assumption, ...]:
    """What was taken for granted: attackers, the register, the target, and the contract's word for open columns."""
    out = [Assumption("target", {"k": case.target.k, "l": case.target.l, "threshold": case.target.threshold})]
    if case.population is None:
        out.append(Assumption("no-population", {}))
    elif not case.population.register:
        out.append(Assumption("no-register", {"population": case.population.name}))
    else:
        out.append(Assumption("register", {"population": case.population.name, "dataset": case.population.register}))
    if case.kin and case.population is not None:
        others = [item.name for item in case.kin]
        out.append(Assumption("kin", {"population": case.population.name, "others": others}))
    out += [
        Assumption("profile", {"name": item.name, "knows": list(item.knows)}) for item in case.profiles if item.knows
    ]
    out += [
        Assumption("colluding", {"name": item.title or item.name, "readers": list(item.colluding)})
        for item in case.profiles if item.colluding
    ]  # fmt: skip
    if case.contract.access == "open":
        told = ((item.name, reason_of(item)) for item in case.contract.properties)
        version = case.contract.version
        out += [Assumption("reason", {"column": at, "reason": why, "version": version}) for at, why in told if why]
    return tuple(out)
