"""An agreement on paper: everything both sides agreed on, how it came about, and the city's seal.

The paper is made from what is stored and says the day it was made; the same content of the same day is the same file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from starlette.responses import Response

from arengo.contract import dpv
from arengo.contract.model import Contract
from arengo.door import ANYONE
from arengo.errors import ArengoError, Conflict, NotKnown
from arengo.faces import problem
from arengo.faces.callers import CityCallers
from arengo.governance.agreement import Agreement, Stamp, diff, masks_by_column
from arengo.governance.decision import Mask
from arengo.governance.plan import Plan, plan_of, plans
from arengo.governance.purpose import QUESTIONS, Purpose
from arengo.portal.agreement_story import question_words
from arengo.portal.language import Speech
from arengo.portal.register_paper import speech
from arengo.portal.register_words import period
from arengo.portal.visit import HEADERS, Visit
from arengo.services.paper import Facts, Heading, Paper, Part, Points, Table, Text, lay
from arengo.settings import Settings

GRANTED = ("active", "suspended", "expired", "revoked", "superseded")


def document(visit: Visit) -> Response:
    """``GET /api/v1/agreements/{agreement}/document.pdf``, for people who are signed in and for programs with a key."""
    try:
        return _document(visit)
    except ArengoError as error:
        if "text/html" in visit.request.headers.get("accept", ""):
            raise
        return problem.of(error)


def _document(visit: Visit) -> Response:
    by = visit.caller if visit.caller != ANYONE else CityCallers(visit.site.access).of(visit.request)
    if not by.party and not by.application:
        raise NotKnown("Nobody is signed in, and no key is shown.", todo="Send 'Authorization: Bearer KEY'.")
    agreements, parties = visit.site.agreements, visit.site.parties
    item = agreements.get(visit.request.path_params["agreement"], by)
    if item.state not in GRANTED:
        raise Conflict("Nothing was agreed, so there is no document.", todo="Ask again when it is granted.")
    contract, purpose = agreements.agreed(item), agreements.purposes.get(item.purpose)
    stamps = agreements.history(item.id)
    known = parties.organisations()
    names = {
        **{name: known[name].name for name in (item.owner, item.organisation) if name in known},
        **parties.names(name for stamp in stamps for name in (stamp.actor, stamp.behalf) if name),
    }
    s = speech(visit.settings, visit.language)
    told = (item, purpose, names, len(stamps), s.language, visit.settings.city.name, f"{visit.now:%Y-%m-%d}")
    key = "agreement" + hashlib.sha256(repr(told).encode()).hexdigest()

    asked = {question.id: question.text for question in QUESTIONS}
    if s.language == visit.language:
        asked |= {name: words[0] for name, words in question_words(visit).items()}

    def make(now: datetime) -> bytes:
        foot = visit.settings.city.url.removeprefix("https://").removeprefix("http://")
        made = paper(
            s,
            visit.settings,
            item,
            contract,
            purpose,
            stamps,
            names,
            now,
            asked=asked,
            foot=f"{item.id} {foot}".strip(),
        )
        return visit.site.sealer.seal(lay(made), reason=s._("Agreement %(id)s", id=item.id), at=now)

    headers = {**HEADERS, "Content-Language": s.language, "Cache-Control": "private, no-store",
               "Content-Disposition": f'inline; filename="agreement-{item.id}.pdf"'}  # fmt: skip
    return Response(visit.site.papers.get(key, make), media_type="application/pdf", headers=headers)


def paper(
    s: Speech,
    settings: Settings,
    item: Agreement,
    contract: Contract | None,
    purpose: Purpose,
    stamps: Sequence[Stamp],
    names: Mapping[str, str],
    made: datetime,
    *,
    asked: Mapping[str, str],
    foot: str = "",
) -> Paper:
    """``names``: of organisations and people by id. ``contract``: the one it was agreed on, None when it is lost.
    ``asked``: the questions about risks by id."""
    _ = s._
    title = contract.title(s.language) if contract is not None else item.dataset
    parts: list[Part] = [
        Heading(_("The two sides")),
        Facts((
            (_("Who gives"), names.get(item.owner, item.owner)),
            (_("Who reads"), names.get(item.organisation, item.organisation)),
            (_("With"), item.application or _("its own people, without a program")),
        )),
        Heading(_("What may be read")),
        Facts(tuple(_given(s, item, contract, title))),
        Table((_("Column"), _("Shown as")), tuple(_columns(s, item, contract)), (1.0, 1.2)),
        Heading(_("What for")),
        Facts(tuple(_purpose(s, purpose))),
    ]  # fmt: skip
    if purpose.answers:
        parts.append(Heading(_("About the risks for people"), 2))
        parts.append(Facts(tuple(
            (asked.get(name, name), answer) for name, answer in purpose.answers.items()
        )))  # fmt: skip
    parts.append(Heading(_("What the reader promises")))
    parts.append(Points(tuple(_duties(s, item, purpose))))
    if less := diff(item):
        parts.append(Heading(_("Where less was granted than asked")))
        rows = tuple((_what(s, one.what), one.column, one.asked, one.granted or _("not granted")) for one in less)
        parts.append(Table((_("What"), _("Column"), _("Asked"), _("Granted")), rows, (0.8, 0.9, 1.2, 1.2)))
    parts.append(Heading(_("How it came about")))
    steps = tuple(
        (s.moment(stamp.at), _step(s, stamp), _who(s, stamp, names), stamp.why) for stamp in stamps
    )  # fmt: skip
    parts.append(Table((_("When"), _("Step"), _("Who"), _("Words")), steps, (0.9, 0.8, 1.1, 1.5)))
    agreed = next((stamp.body["fingerprint"] for stamp in reversed(stamps) if "fingerprint" in stamp.body), "")
    if agreed:
        parts.append(Facts(((_("Fingerprint of what was agreed (SHA-256)"), str(agreed)),)))
    parts.append(Text(_("The state on %(day)s: %(state)s. What holds now stands on the page of the agreement.",
                        day=s.date(made), state=_state(s, item.state)), quiet=True))  # fmt: skip
    return Paper(
        title=_("Agreement on reading: %(title)s", title=title), city=settings.city.name, parts=tuple(parts), made=made,
        language=s.language, subtitle=_("Number %(id)s", id=item.id), page=_("Page {page} of {pages}"), foot=foot,
        unset=_("Where […] stands, the original has letters that this file cannot show; the site's page has them."),
    )  # fmt: skip


def _given(s: Speech, item: Agreement, contract: Contract | None, title: str) -> list[tuple[str, str]]:
    _ = s._
    plan = plan_of(contract, item.plan) if contract and any(p.id == item.plan for p in plans(contract)) else None
    return [
        (_("Dataset"), f"{title} ({item.dataset})"),
        (
            _("Contract"),
            _("version %(version)s, SHA-256 %(sha)s", version=item.contract_version, sha=item.contract_sha),
        ),
        (_("Rows"), item.rows or _("all")),
        (_("From"), s.moment(item.valid_from)),
        (_("Until"), s.moment(item.valid_to)),
        (_("Calls a day"), s.number(item.volume)),
        (_("Plan"), _limits(s, plan) if plan is not None else item.plan),
    ]


def _limits(s: Speech, plan: Plan) -> str:
    return s._(
        "%(title)s: at most %(rate)s requests a second, %(calls)s calls and %(rows)s rows a day",
        title=plan.title or plan.id, rate=s.number(plan.rate), calls=s.number(plan.daily), rows=s.number(plan.rows),
    )  # fmt: skip


def _columns(s: Speech, item: Agreement, contract: Contract | None) -> list[tuple[str, str]]:
    masks, out = masks_by_column(item.masks), []
    for name in item.columns:
        column = contract.column(name) if contract is not None else None
        label = f"{column.label} ({name})" if column is not None and column.label != name else name
        out.append((label, ", ".join(_mask(s, mask) for mask in masks.get(name, ())) or s._("as it is")))
    return out


def _mask(s: Speech, mask: Mask) -> str:
    _ = s._
    return {
        "hide": _("hidden"),
        "truncate": _("only the first characters (%(argument)s)", argument=mask.argument),
        "generalise": _("only the group, range or period (%(argument)s)", argument=mask.argument),
        "pseudonym": _("a code instead (pseudonym)"),
        "round": _("rounded to %(step)s", step=mask.argument),
        "top": _("at most %(bound)s", bound=mask.argument),
        "bottom": _("at least %(bound)s", bound=mask.argument),
    }.get(mask.kind, str(mask))


def _purpose(s: Speech, purpose: Purpose) -> list[tuple[str, str]]:
    _ = s._
    rows = [(_("Purpose"), purpose.title), (_("In words"), purpose.text),
            (_("Kind of purpose"), f"{purpose.label(s.language)} ({purpose.dpv})")]  # fmt: skip
    if purpose.legal_basis:
        rows.append((_("Legal basis"), purpose.basis(s.language)))
    special = dpv.concept(purpose.special_basis, "special")
    if special is not None:
        rows.append((_("Special categories"), f"{special.label(s.language)} ({special.article})"))
    rows.append((_("Passed on to"), ", ".join(purpose.recipients) or _("nobody")))
    if purpose.retention:
        rows.append((_("Kept for"), period(s, purpose.retention)))
    return rows


def _duties(s: Speech, item: Agreement, purpose: Purpose) -> list[str]:
    _ = s._
    out = [_("What is read is used for this purpose and no other.")]
    if purpose.personal:
        out.append(_("Nobody tries to find out who the people in the rows are."))
    if not purpose.recipients:
        out.append(_("Nothing is passed on."))
    if purpose.retention:
        out.append(_("What was read is deleted after %(time)s.", time=period(s, purpose.retention)))
    return [*out, *item.obligations]


def _what(s: Speech, name: str) -> str:
    _ = s._
    return {
        "columns": _("Column"), "masks": _("Shown as"), "rows": _("Rows"), "plan": _("Plan"),
        "volume": _("Calls a day"), "valid_from": _("From"), "valid_to": _("Until"), "obligations": _("Promises"),
    }.get(name, name)  # fmt: skip


def _step(s: Speech, stamp: Stamp) -> str:
    _ = s._
    return {
        "draft": _("Draft begun"), "edit": _("Draft changed"), "submit": _("Request sent"),
        "discard": _("Draft thrown away"), "grant": _("Granted by the owner's rule"),
        "approve": _("First approval") if stamp.after == "pending" else _("Approved"),
        "confirm": _("Approved by the second approver"), "reject": _("Refused"),
        "return": _("Sent back with a question"), "withdraw": _("Taken back"), "expire": _("Over"),
        "suspend": _("Suspended"), "resume": _("Resumed"), "revoke": _("Ended"),
        "supersede": _("Replaced by a newer agreement"), "outdate": _("Suspended: the contract changed"),
    }.get(stamp.action, stamp.action)  # fmt: skip


def _who(s: Speech, stamp: Stamp, names: Mapping[str, str]) -> str:
    if stamp.actor == "arengo":
        return s._("by itself")
    who = names.get(stamp.actor, stamp.actor)
    if stamp.behalf:
        who = s._("%(who)s for %(other)s", who=who, other=names.get(stamp.behalf, stamp.behalf))
    organisation = names.get(stamp.organisation, stamp.organisation)
    return f"{who}, {organisation}" if organisation and organisation != "*" else who


def _state(s: Speech, state: str) -> str:
    _ = s._
    return {
        "active": _("in force"), "suspended": _("suspended"), "expired": _("over"), "revoked": _("ended"),
        "superseded": _("replaced"),
    }[state]  # fmt: skip
