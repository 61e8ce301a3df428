"""Lint of what a contract offers to those who ask for its data: plans, the rule of approval, approvers."""

from __future__ import annotations

import re

from arengo.contract.document import Document, Path, place_of
from arengo.contract.finding import Report
from arengo.contract.model import Contract
from arengo.contract.period import Period
from arengo.contract.purpose import personal

LONGEST_TOKEN = Period.parse("PT24H")
_ROLE = re.compile(r"([a-z0-9-]+:)?(reader|steward|publisher|auditor|administrator)")


def check(contract: Contract, document: Document, report: Report) -> None:
    """Findings about ``arengoPlans``, ``arengoApproval`` and the approvers of ODCS ``roles``."""
    plans = contract.custom.get("arengoPlans") or ()
    place = place_of(document, "arengoPlans")
    rule = str(contract.custom.get("arengoApproval", "manual"))
    ruled = place_of(document, "arengoApproval")
    for name, written in (("arengoPlans", place if plans else ()), ("arengoApproval", ruled)):
        if written and contract.access != "shared":
            report.warning(
                written, "offer-not-shared", f"{name} is said, but the dataset is {contract.access}: nobody asks "
                "for it.",
                "Write arengoAccess: shared, or take it out.",
            )  # fmt: skip
    seen: set[str] = set()
    for number, plan in enumerate(plans):
        here: Path = (*place, "value", number)
        if plan["id"] in seen:
            report.error((*here, "id"), "plan-twice", f"Two plans have the id '{plan['id']}'.", "Rename one of them.")
        seen.add(plan["id"])
        per, total, daily = plan.get("perConsumer", 0), plan.get("total", 0), plan.get("daily", 0)
        if per and total and per > total:
            report.error(
                (*here, "perConsumer"), "cap-above-total", f"One organisation may be granted {per:,} calls a day by "
                f"rule, all together {total:,}.", "Lower perConsumer, or raise total.",
            )  # fmt: skip
        if per and daily and per > daily:
            report.warning(
                (*here, "perConsumer"), "cap-above-plan", f"The rule grants up to {per:,} calls a day, the plan gives "
                f"{daily:,} to each agreement.", "Lower perConsumer, or raise daily.",
            )  # fmt: skip
        if rule == "threshold" and not (per and total):
            report.warning(
                here, "threshold-without-cap", f"The plan '{plan['id']}' has no caps, so each of its requests waits "
                "for a person.", "Add perConsumer and total: calls a day that are granted by themselves.",
            )  # fmt: skip
        lifetime = Period.parse(str(plan.get("lifetime", "PT10M")))
        if lifetime is not None and LONGEST_TOKEN is not None and lifetime.about > LONGEST_TOKEN.about:
            report.warning(
                (*here, "lifetime"), "long-token", f"A token of the plan '{plan['id']}' holds for "
                f"{plan['lifetime']}; what is suspended goes on as long.", "Write at most PT24H; PT10M is usual.",
            )  # fmt: skip
    if rule == "threshold" and not plans:
        report.warning(ruled, "threshold-without-cap", "arengoApproval is threshold, but no plan declares caps, so "
                       "each request waits for a person.", "Add arengoPlans with perConsumer and total.")  # fmt: skip
    if rule == "automatic" and contract.access == "shared" and personal(contract):
        report.info(
            ruled, "automatic-personal", "Requests are granted by themselves, but not those that ask for columns about "
            "people unmasked.", "Nothing to do, unless you expected otherwise.",
        )  # fmt: skip
    _approvers(contract, report)


def _approvers(contract: Contract, report: Report) -> None:
    first, second = contract.approvers
    for name in (*first, *second):
        if " " in name and "@" not in name:
            report.info(
                ("roles",), "approver-by-name", f"'{name}' approves requests: nobody else can.",
                "An e-mail address or a role, such as steward or data-protection:steward, is surer than a name.",
            )  # fmt: skip
        elif ":" in name and not _ROLE.fullmatch(name):
            report.error(
                ("roles",), "unknown-approver", f"'{name}' is no role of an organisation.",
                "Write it like data-protection:steward; roles are reader, steward, publisher, auditor, administrator.",
            )  # fmt: skip
    if second and not personal(contract):
        report.info(
            ("roles",), "second-unused", "A second approver is named, but no column is marked as telling about people: "
            "one approval is enough unless a purpose says that people are concerned.",
            "Mark such columns with arengoPrivacyRole.",
        )  # fmt: skip
