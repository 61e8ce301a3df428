"""What the city does with personal data: the record, the notice of a dataset, the skeleton of an assessment.

Record and notices are public. The skeleton of an assessment and what is missing are for stewards and auditors.
"""

from __future__ import annotations

import csv
import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from starlette.responses import Response

from arengo.errors import NotAllowed, UnknownDataset
from arengo.portal import assessment_words, notice, register_paper
from arengo.portal import register_words as words
from arengo.portal.operator import is_operator
from arengo.portal.register_words import Line
from arengo.portal.visit import HEADERS, Visit
from arengo.services.paper import Paper, lay
from arengo.services.register import Activity, Assessment, assess
from arengo.state.register import ALL

PAGE = 20
"""Datasets a page."""
OVERSEERS = ("steward", "auditor", "administrator")
KEPT = 40
"""Sealed papers kept in memory; each is some tens of kilobytes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One dataset in the record. ``notice``, ``assessment``: addresses, '' for whom they are not."""

    id: str
    title: str
    href: str
    notice: str
    assessment: str
    access: str
    lines: tuple[Line, ...]
    recipients: tuple[str, ...]
    transfers: tuple[str, ...]
    gaps: tuple[str, ...]
    controller: tuple[str, ...]

    @property
    def first(self) -> Line:
        return self.lines[0]


class Papers:
    """Sealed documents by their content and day: a document is sealed once, and its seal says when that was."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: OrderedDict[str, tuple[bytes, datetime]] = OrderedDict()

    def get(self, key: str, make: Callable[[datetime], bytes]) -> bytes:
        """``make`` is called with the present time when nothing of that key is held."""
        with self._guard:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]
            now = datetime.now(UTC)
            made = make(now)
            self._held[key] = (made, now)
            if len(self._held) > KEPT:
                self._held.popitem(last=False)
            return made


def page(visit: Visit) -> Response:
    """``GET /register``: the record of processing activities (Art. 30)."""
    s, _ = visit.speech, visit._
    found = visit.site.register.activities()
    lines = [words.line(s, item) for item in found]
    # Whoever answers for any dataset sees what is missing there.
    mine = {item.dataset for item in found if _oversees(visit, item.dataset)}
    known = visit.unchanged(lines, sorted(mine), visit.param("page"))
    if known:
        return known
    entries = [_entry(visit, item, tuple(several), mine) for item, several in groupby(lines, lambda one: one.dataset)]
    number = _number(visit.param("page"), -(-len(entries) // PAGE))
    shown = entries[(number - 1) * PAGE : number * PAGE]
    usual = register_paper.usual(lines)
    common = tuple(dict.fromkeys(text for item in lines if item.dataset in mine for text in item.common_gaps))
    values = {
        "title": _("Record of processing activities"),
        "entries": shown,
        "count": len(entries),
        "purposes": sum(item.purpose is not None for item in found),
        "usual": usual,
        "missing": sum(len(entry.gaps) for entry in entries) + len(common),
        "common": common,
        "overseer": bool(mine),
        "before": visit.here(page=number - 1 if number > 2 else None) if number > 1 else "",
        "after": visit.here(page=number + 1) if number * PAGE < len(entries) else "",
        "fingerprint": _spaced(visit.site.sealer.known()),
        "paper_language": register_paper.speech(visit.settings, visit.language).language,
    }
    return visit.page("register.html", values)


def table(visit: Visit) -> Response:
    """``GET /register.csv``: the whole record; no cell starts a formula, lists stand on lines of one cell."""
    s = visit.speech
    out = io.StringIO()
    out.write("\ufeff")
    sheet = csv.writer(out, lineterminator="\r\n")
    sheet.writerow(words.headings(s))
    for item in visit.site.register.activities():
        sheet.writerow([harmless(text) for text in words.cells(words.line(s, item))])
    headers = {
        **HEADERS,
        "Content-Language": s.language,
        "Content-Disposition": 'attachment; filename="register.csv"',
    }
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def harmless(text: str) -> str:
    """Text that a spreadsheet would run as a formula gets a mark before it, on each line (OWASP, CSV injection)."""
    marked = (
        "'" + line if line.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r") else line for line in text.split("\n")
    )
    return "\n".join(marked)


def paper(visit: Visit) -> Response:
    """``GET /register.pdf``: the record, sealed."""
    s = register_paper.speech(visit.settings, visit.language)
    lines = [words.line(s, item) for item in visit.site.register.activities()]

    def make(now: datetime) -> Paper:
        return register_paper.record(s, visit.settings, lines, now, _foot(visit))

    return _sealed(visit, s.language, "register.pdf", make, s._("Record of processing activities"), repr(lines))


def dataset_notice(visit: Visit) -> Response:
    """``GET /datasets/{dataset}/privacy-notice``: the notice of Art. 13 and 14."""
    s = visit.speech
    found = _of(visit)
    made = notice.sections(s, found, visit.settings)
    known = visit.unchanged(made, notice.short(s, found))
    if known:
        return known
    values = {
        "title": notice.title(s, found),
        "short": notice.short(s, found),
        "sections": made,
        "id": found[0].dataset,
        "dataset": found[0].contract.title(s.language),
        "updated": found[0].updated,
        "assessment": _oversees(visit, found[0].dataset),
        "paper_language": register_paper.speech(visit.settings, visit.language).language,
    }
    return visit.page("privacy_notice.html", values)


def notice_paper(visit: Visit) -> Response:
    """``GET /datasets/{dataset}/privacy-notice.pdf``: the notice, sealed."""
    s = register_paper.speech(visit.settings, visit.language)
    found = _of(visit)

    def make(now: datetime) -> Paper:
        return register_paper.notices(s, visit.settings, found, now, _foot(visit))

    content = repr((notice.short(s, found), notice.sections(s, found, visit.settings)))
    name = f"{found[0].dataset}-privacy-notice.pdf"
    return _sealed(visit, s.language, name, make, notice.title(s, found), content)


def dpia(visit: Visit) -> Response:
    """``GET /datasets/{dataset}/dpia``: the skeleton of the assessment of Art. 35, for stewards and auditors."""
    s, _ = visit.speech, visit._
    found = _overseen(visit)
    made = _assessment(visit, found)
    lines = [words.line(s, item) for item in found]
    values = {
        "title": _("Impact assessment"),
        "dataset": lines[0].title,
        "id": found[0].dataset,
        "verdict": assessment_words.verdict(s, made),
        "item": made,
        "lines": lines,
        "first": lines[0],
        "source": words.source(s, found[0]),
        "necessity": [item.purpose.necessity if item.purpose is not None else "" for item in found],
        "criteria": [
            (assessment_words.criterion(s, one.id), one.met, assessment_words.answer(s, one),
             assessment_words.fact(s, one, made))
            for one in made.criteria
        ],
        "questions": [
            (part, [assessment_words.question(s, name)[1] for name in names])
            for part, names in groupby(made.questions, key=lambda name: assessment_words.question(s, name)[0])
        ],
        "recipients": tuple(dict.fromkeys(text for one in lines for text in one.recipients)),
    }  # fmt: skip
    answer = visit.page("dpia.html", values)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def dpia_paper(visit: Visit) -> Response:
    """``GET /datasets/{dataset}/dpia.pdf``: the same to be filled in; not sealed, since it is unfinished."""
    s = register_paper.speech(visit.settings, visit.language)
    found = _overseen(visit)
    made = register_paper.assessment(
        s, visit.settings, _assessment(visit, found), [words.line(s, item) for item in found], visit.now
    )
    headers = {**HEADERS, "Content-Language": s.language, "Cache-Control": "private, no-store"}
    headers["Content-Disposition"] = f'inline; filename="{found[0].dataset}-dpia.pdf"'
    return Response(lay(made), media_type="application/pdf", headers=headers)


def retention(visit: Visit) -> Response:
    """``GET /register/retention``: rules, holds and what was disposed of, for stewards and auditors."""
    s, _ = visit.speech, visit._
    kept: dict[str, Activity] = {}
    for item in visit.site.register.activities():
        if _oversees(visit, item.dataset):
            kept.setdefault(item.dataset, item)
    everywhere = is_operator(visit, roles=OVERSEERS)
    if not kept and not everywhere:
        raise NotAllowed(
            "Retention is for the stewards and auditors of datasets about people.", todo="Sign in as one of them."
        )
    disposals = visit.site.disposals
    rules = [
        {
            "title": item.contract.title(s.language),
            "href": visit.link("datasets", name),
            "versions": words.period(s, item.versions) if item.versions else _("without limit"),
            "rows": words.ageing(s, item),
            "hold": item.hold.reason if item.hold is not None else "",
            "since": s.date(item.hold.since) if item.hold is not None and item.hold.since is not None else "",
        }
        for name, item in kept.items()
    ]
    runs = [
        {
            "at": s.moment(run.at),
            "dataset": _title(visit, run.dataset),
            "href": visit.link("datasets", run.dataset),
            "versions": ", ".join(s.number(number) for number in run.versions),
            "rows": s.number(run.rows),
            "version": s.number(run.version) if run.version is not None else "",
            "id": run.id,
        }
        for run in disposals.runs(limit=200)
        if everywhere or run.dataset in kept
    ]
    seen, noted = disposals.noted()
    due = [
        (
            _title(visit, item.dataset),
            visit.link("datasets", item.dataset),
            s.number(item.versions),
            s.number(item.rows),
        )
        for item in noted
        if everywhere or item.dataset in kept
    ]
    values = {
        "title": _("Retention"),
        "rules": rules,
        "runs": runs,
        "whole": [item for item in disposals.holds() if item.dataset == ALL],
        "due": due,
        "seen": s.moment(seen) if seen is not None else "",
    }
    answer = visit.page("retention.html", values)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _title(visit: Visit, dataset: str) -> str:
    try:
        return visit.site.catalogue.entry(dataset).contract.title(visit.language)
    except UnknownDataset:
        return dataset


def certificate(visit: Visit) -> Response:
    """``GET /seal.pem``: the certificate that documents are sealed with."""
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="seal.pem"'}
    return Response(visit.site.sealer.certificate(), media_type="application/x-pem-file", headers=headers)


def _of(visit: Visit) -> tuple[Activity, ...]:
    return visit.site.register.of(visit.request.path_params["dataset"])


def _oversees(visit: Visit, dataset: str) -> bool:
    return is_operator(visit, dataset, OVERSEERS)


def _overseen(visit: Visit) -> tuple[Activity, ...]:
    """Raises NotAllowed for everybody but stewards, auditors and administrators of the owner or the city."""
    found = _of(visit)
    if not _oversees(visit, found[0].dataset):
        raise NotAllowed(
            "The impact assessment is for the stewards and auditors of its owner.",
            todo="Sign in as one of them. The privacy notice of the dataset is public.",
        )
    return found


def _assessment(visit: Visit, found: tuple[Activity, ...]) -> Assessment:
    version = visit.site.catalogue.entry(found[0].dataset).version
    return assess(found, version.rows if version else None, version.number if version else None)


def _entry(visit: Visit, dataset: str, lines: tuple[Line, ...], mine: set[str]) -> Entry:
    overseen = dataset in mine
    return Entry(
        id=dataset,
        title=lines[0].title,
        href=visit.link("datasets", dataset),
        notice=visit.link("datasets", dataset, "privacy-notice"),
        assessment=visit.link("datasets", dataset, "dpia") if overseen else "",
        access=visit.site.catalogue.entry(dataset).contract.access,
        lines=lines,
        recipients=tuple(dict.fromkeys(text for item in lines for text in item.recipients)),
        transfers=tuple(dict.fromkeys(text for item in lines for text in item.transfers)),
        gaps=tuple(dict.fromkeys(text for item in lines for text in item.gaps)) if overseen else (),
        controller=lines[0].controller,
    )


def _sealed(
    visit: Visit, language: str, name: str, make: Callable[[datetime], Paper], reason: str, content: str
) -> Response:
    told = (name, language, visit.settings.city.name, f"{visit.now:%Y-%m-%d}", content)
    key = hashlib.sha256(repr(told).encode()).hexdigest()
    sealer = visit.site.sealer
    data = visit.site.papers.get(key, lambda now: sealer.seal(lay(make(now)), reason=reason, at=now))
    headers = {**HEADERS, "Content-Language": language, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(data, media_type="application/pdf", headers=headers)


def _foot(visit: Visit) -> str:
    return visit.settings.city.url.removeprefix("https://").removeprefix("http://")


def _number(text: str, pages: int) -> int:
    return min(max(int(text), 1), max(pages, 1)) if text.isascii() and text.isdecimal() and len(text) < 7 else 1


def _spaced(fingerprint: str) -> str:
    """In groups of four, to be compared by eye."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
