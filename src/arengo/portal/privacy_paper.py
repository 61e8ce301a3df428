"""The report on one verdict on paper: what was found, what was assumed, what people decided, sealed.

The SHA-256 of the sealed file goes on record, so that whoever is shown one can tell that the city made it so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from starlette.responses import Response

from arengo.contract.model import EMPTY
from arengo.portal import privacy_measured, privacy_offer, privacy_outcome, privacy_story
from arengo.portal.language import Speech
from arengo.portal.operator import record
from arengo.portal.privacy_given import Given, reasons
from arengo.portal.privacy_labels import Labels
from arengo.portal.privacy_offer import Offer
from arengo.portal.privacy_outcome import Choice
from arengo.portal.privacy_words import LISTED
from arengo.portal.register_paper import speech
from arengo.portal.visit import HEADERS, Visit
from arengo.privacy.verdicts import Held
from arengo.services.paper import Facts, Heading, Paper, Part, Points, Table, Text, lay
from arengo.settings import Settings

PRINTED = 200
"""Findings on paper, the most serious ones."""


def document(visit: Visit, held: Held, decided: Sequence[Choice]) -> Response:
    """The sealed report; made once a day for the same content, and on record when it is made."""
    s = speech(visit.settings, visit.language)
    contract = visit.site.catalogue.entry(held.dataset).contract
    labels = Labels(s, contract, visit.site.catalogue)
    known = reasons(visit, held)
    told = (held.mark, held.settled, decided, known, s.language, visit.settings.city.name, f"{visit.now:%Y-%m-%d}")
    key = "privacy" + hashlib.sha256(repr(told).encode()).hexdigest()

    def make(now: datetime) -> bytes:
        foot = visit.settings.city.url.removeprefix("https://").removeprefix("http://")
        made = paper(s, visit.settings, held, labels, decided, now, foot, known)
        sealed = visit.site.sealer.seal(lay(made), reason=made.title, at=now)
        fingerprint = hashlib.sha256(sealed).hexdigest()
        record(visit, "privacy-report", held.dataset, verdict=held.mark, sha256=fingerprint)
        return sealed

    headers = {**HEADERS, "Content-Language": s.language, "Cache-Control": "private, no-store",
               "Content-Disposition": f'inline; filename="{held.dataset}-privacy.pdf"'}  # fmt: skip
    return Response(visit.site.papers.get(key, make), media_type="application/pdf", headers=headers)


def paper(
    s: Speech, settings: Settings, held: Held, labels: Labels, decided: Sequence[Choice], made: datetime,
    foot: str = "", known: Mapping[str, Given] = EMPTY,
) -> Paper:  # fmt: skip
    """``decided``: in the language of the reader, as on the page. ``known``: who gave a reason for a column."""
    _, verdict = s._, held.verdict
    least, k = privacy_measured.smallest(verdict), privacy_outcome.target_k(verdict)
    facts = [
        (_("Dataset"), f"{labels.title(held.dataset)} ({held.dataset})"),
        (_("Checked"), s.moment(held.at)),
        (_("Outcome"), privacy_outcome.outcome_word(s, held.outcome)),
        (_("What became of it"), privacy_outcome.standing(s, held)),
        (_("Persons a group must have"), s.number(k) if k is not None else ""),
        (_("Persons in the smallest group"), s.number(least) if least is not None else ""),
        (_("Contract (SHA-256)"), verdict.contract),
        (_("Mark of the verdict (SHA-256)"), held.mark),
    ]
    parts: list[Part] = [
        Text(privacy_outcome.headline(s, verdict, held.settled)),
        Facts(tuple((name, value) for name, value in facts if value)),
        Heading(_("What was found")),
    ]
    found = privacy_story.by_weight(verdict)
    for step in privacy_story.steps(s, verdict, labels, shown=found[:PRINTED]):
        parts += [Heading(f"{step.title}: {step.word}", 2), Points(tuple(item.words for item in step.findings))]
    if len(found) > PRINTED:
        parts.append(Text(_many_more(s, len(found) - PRINTED), quiet=True))
    for title, picture in privacy_measured.pictures(s, verdict):
        head = (_("Persons in the group"), *((_("Before"), _("After")) if picture.both else (_("Persons"),)))
        rows = tuple((bar.label, *((bar.said_before,) if picture.both else ()), bar.said_after) for bar in picture.bars)
        parts += [Heading(title, 2), Text(picture.words), Table(head, rows)]
    if risks := privacy_measured.risks(s, verdict):
        parts += [Heading(_("Risk in numbers"), 2),
                  Table((_("Who looks"), _("Risk"), _("What it means")),
                        tuple((item.name, item.value, item.means) for item in risks), (1.0, 0.4, 1.8))]  # fmt: skip
    if verdict.repairs:
        parts.append(Heading(_("Repairs that were worked out")))
        head = (_("Repair"), _("What it does"), _("Detail that is lost"), _("Withheld"))
        body = tuple(
            (offer.title, "\n".join((*_short(s, offer.changes), offer.note)).strip(), *_cost(s, offer))
            for offer in privacy_offer.offers(s, verdict, labels)
        )  # fmt: skip
        parts.append(Table(head, body, (1.0, 1.8, 0.6, 0.6)))
    parts += [Heading(_("What was taken for granted")), Points(privacy_story.assumed(s, verdict, labels, known))]
    steps = tuple(
        (s.moment(at), who, what, reason) for item in decided for who, what, at, reason in item.steps
    )  # fmt: skip
    parts.append(Heading(_("Decisions")))
    if steps:
        parts.append(Table((_("When"), _("Who"), _("What"), _("Reason")), steps, (0.8, 0.9, 0.9, 1.8)))
    else:
        parts.append(Text(_("No decision was taken.")))
    parts.append(
        Text(
            _("A check finds what can be computed from what the city knows. What somebody else knows may be more; "
              "that is why the attackers who were reckoned with are named above."),
            quiet=True,
        )
    )  # fmt: skip
    return Paper(
        title=_("Privacy check: %(title)s", title=labels.title(held.dataset)), city=settings.city.name,
        parts=tuple(parts), made=made, language=s.language, subtitle=_("Verdict %(id)s", id=held.id),
        page=_("Page {page} of {pages}"), foot=foot,
        unset=_("Where […] stands, the original has letters that this file cannot show; the site's page has them."),
    )  # fmt: skip


def _many_more(s: Speech, n: int) -> str:
    return s.many(
        "%(n)s less serious finding is not printed here. The page and the file for programs (JSON) have it.",
        "%(n)s less serious findings are not printed here. The page and the file for programs (JSON) have them all.",
        n,
    )


def _cost(s: Speech, offer: Offer) -> tuple[str, str]:
    """Detail that is lost, '' where the repair takes none that is measured; rows or cells that are withheld."""
    told = dict(offer.facts)
    return told.get(s._("Detail that is lost"), ""), told[s._("Rows or cells withheld")]


def _short(s: Speech, changes: Sequence[str]) -> tuple[str, ...]:
    rest = len(changes) - LISTED
    more = (s.many("and %(n)s more", "and %(n)s more", rest),) if rest > 0 else ()
    return (*changes[:LISTED], *more)
