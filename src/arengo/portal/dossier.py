"""Everything the pages of one dataset share: its words in the reader's language, its version, its passport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from arengo.contract.model import Contract
from arengo.errors import UnknownVersion
from arengo.lake.version import Version
from arengo.portal.cells import Head, heads, written
from arengo.portal.visit import Visit
from arengo.portal.vocabulary import frequency_name, licence_name, theme_name
from arengo.query.model import Order

if TYPE_CHECKING:
    from arengo.catalogue import Entry
    from arengo.door import View
    from arengo.portal.language import Speech


@dataclass(frozen=True, slots=True)
class Closed:
    """What may be said of a dataset whose rows may not be read: its contract's public words."""

    entry: Entry
    reason: str
    todo: str


@dataclass(frozen=True, slots=True)
class Granted:
    """``shown`` of ``all`` columns. ``less``: rows or values are held back besides."""

    shown: int
    all: int
    less: bool
    reason: str
    todo: str


class Dossier:
    """One dataset as one visit sees it. Raises what the door raises: UnknownDataset, UnknownVersion, NotAllowed."""

    def __init__(self, visit: Visit, dataset: str, *, unseen: bool = False) -> None:
        self.visit = visit
        self.id = dataset
        self.entry: Entry = visit.site.catalogue.entry(dataset)
        self._view: View | None = None
        self.versions: tuple[Version, ...] = ()
        if self.entry.version is not None and not unseen:
            self._view = visit.door.view(dataset, visit.as_of)
            self.versions = visit.door.versions(dataset)

    @property
    def view(self) -> View:
        """Raises UnknownVersion when nothing is published yet, so that a page of rows answers 404 and says why."""
        if self._view is None:
            raise UnknownVersion(
                f"{self.title} has not been published yet.", todo="Its page says what is planned; come back later."
            )
        return self._view

    @property
    def shown(self) -> Version:
        """The version shown. Raises UnknownVersion when nothing is published yet."""
        return self.view.version

    @property
    def contract(self) -> Contract:
        return self._view.contract if self._view else self.entry.contract

    @property
    def version(self) -> Version | None:
        return self._view.version if self._view else None

    @property
    def granted(self) -> Granted | None:
        """What is shown of data that is not open, and why; None for what everybody sees."""
        if self._view is None or self._view.decision.public:
            return None
        decision = self._view.decision
        every = sum(not item.name.startswith("_") for item in self.contract.properties)
        return Granted(len(self._view.columns), every, decision.partial, decision.reason, decision.todo)

    @property
    def newest(self) -> Version | None:
        return self.versions[0] if self.versions else self.version

    @property
    def past(self) -> bool:
        """A version that is not the newest is shown."""
        return bool(self.version and self.newest and self.version.number != self.newest.number)

    @property
    def mark(self) -> tuple[object, ...]:
        """What the page's tag depends on beside the address: the version and how far the dataset has come."""
        newest = self.newest
        return (
            self._view.identity if self._view else self.entry.sha,
            newest.number if newest else 0,
            len(self.versions),
            self.entry.sha,
            str(self.entry.next_update),
            self.visit.site.participation.events.mark(self.id),
        )

    # Words

    @property
    def speech(self) -> Speech:
        return self.visit.speech

    @property
    def title(self) -> str:
        return self.contract.title(self.speech.language)

    @property
    def summary(self) -> str:
        return written(self.contract.summary(self.speech.language))

    @property
    def usage(self) -> str:
        return written(self.contract.usage)

    @property
    def limitations(self) -> str:
        return written(self.contract.limitations)

    @property
    def owner(self) -> str:
        return self.contract.owner or self.visit._("not named")

    @property
    def words_language(self) -> str:
        """The language the title really is in, when it is not the page's."""
        return self._tongue("name")

    @property
    def summary_language(self) -> str:
        return self._tongue("description")

    @property
    def text_language(self) -> str:
        """Of what the owner wrote and nobody translates."""
        own = self.contract.language.split("-")[0]
        return "" if own == self.speech.language else own

    def _tongue(self, what: str) -> str:
        words = self.contract.custom.get("arengoTranslations", {}).get(self.speech.language, {})
        return "" if words.get(what) else self.text_language

    @property
    def theme(self) -> str:
        return self.contract.theme

    @property
    def theme_name(self) -> str:
        return theme_name(self.theme, self.speech)

    @property
    def licence(self) -> str:
        """As every catalogue is told it: the contract's, otherwise the city's for what is open."""
        default = self.visit.settings.city.licence if self.contract.access == "open" else ""
        return licence_name(self.contract.licence or default, self.speech)

    @property
    def frequency(self) -> str:
        return frequency_name(self.contract.frequency, self.speech)

    @property
    def next_update(self) -> datetime | None:
        return self.entry.next_update

    @property
    def version_words(self) -> str:
        shown = self.shown
        return self.visit._("version %(n)s of %(date)s", n=shown.number, date=self.speech.date(shown.published_at))

    @property
    def source(self) -> str:
        return self.contract.owner or self.visit.settings.city.name

    # Contents

    @cached_property
    def profile(self) -> Mapping[str, Any]:
        return self.visit.door.profile(self.id, self.visit.as_of)

    @cached_property
    def quality(self) -> Mapping[str, Any]:
        return self.visit.door.quality(self.id, self.visit.as_of)

    def whole_quality(self) -> Mapping[str, Any]:
        """With the exact number of rows that are withheld: for who answers for the dataset."""
        return self.visit.door.quality(self.id, self.visit.as_of, exact=True)

    @cached_property
    def heads(self) -> list[Head]:
        """Headings of every column that fits a table cell (geometry has the map)."""
        return heads(self.contract, [item.name for item in self.view.columns], self.speech.language, self.profile)

    def head(self, name: str) -> Head:
        return next(item for item in self.heads if item.name == name)

    @property
    def order(self) -> tuple[Order, ...]:
        """The order a person expects: by key. Rows are stored so unless they have places (then by nearness)."""
        if self.view.geometry is None or self.contract.sort:
            return ()
        return tuple(Order(name) for name in self.view.scope.key)

    @property
    def searchable(self) -> bool:
        return bool(self._view and self._view.scope.search)

    @property
    def checked(self) -> int:
        """How many checks have a verdict."""
        return int(self.quality.get("passed", 0)) + int(self.quality.get("failed", 0))

    @property
    def score_short(self) -> str:
        if not self.checked:
            return "–"
        return f"{self.speech.number(int(self.quality.get('passed', 0)))}/{self.speech.number(self.checked)}"

    @property
    def score_words(self) -> str:
        if not self.checked:
            return self.visit._("types checked, no further checks declared")
        return self.speech.many(
            "%(passed)s of %(n)s check passed",
            "%(passed)s of %(n)s checks passed",
            self.checked,
            passed=self.speech.number(int(self.quality.get("passed", 0))),
        )

    @property
    def period(self) -> str:
        """First and last moment of the main time column."""
        found = self.profile.get("time") or {}
        low, high = found.get("min"), found.get("max")
        if not low or not high:
            return ""
        try:
            start, end = _moment(low), _moment(high)
        except ValueError:
            return ""
        first, last = self.speech.date(start), self.speech.date(end)
        return first if first == last else f"{first} – {last}"

    @property
    def documents(self) -> bool:
        """The rows are pages of documents (``arengoDocuments``)."""
        return self._view is not None and bool(self.contract.custom.get("arengoDocuments"))

    @property
    def grouped(self) -> bool:
        """Whoever looks gets figures about groups and no rows (``arengoStatistics``)."""
        return self._view is not None and self.visit.door.statistics(self._view) is not None

    @property
    def tabs(self) -> list[tuple[str, str]]:
        _ = self.visit._
        tabs = [("overview", _("Overview")), ("table", _("Table")), ("charts", _("Charts"))]
        if self.documents:
            tabs.insert(1, ("documents", _("Documents")))
        if self.view.geometry is not None:
            tabs.append(("map", _("Map")))
        if self.grouped:
            tabs = [("overview", _("Overview"))]
        return [
            *tabs,
            ("columns", _("Columns")),
            ("quality", _("Quality")),
            ("discussion", _("Discussion")),
            ("versions", _("Versions")),
            *([] if self.grouped else [("downloads", _("Download"))]),
            ("api", _("For programs")),
        ]


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
