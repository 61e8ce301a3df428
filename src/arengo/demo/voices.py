"""What the made-up people of the demo say: corrections, a discussion, reuses, wishes, and how the city answers.

Everything goes through the services that visitors use, at the time it would have been said. Nobody in it is real.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from arengo.portal.letters import composer
from arengo.services import Participation
from arengo.services.amendment import Report
from arengo.services.tracked import Sender

if TYPE_CHECKING:
    from arengo.city import City

TREES = "street-trees"
MISTYPED = "ALB004212"
"""The tree of the story whose trunk was typed with a zero too many until the third version."""


class _Talk:
    """The services with a clock that is set by hand, and senders that are somebody else each time."""

    def __init__(self, city: City, now: datetime) -> None:
        self.now = now
        self.city = city
        self.people = Participation(
            city.settings, city.state, city.door, city.catalogue, composer(city.settings), clock=lambda: self.now
        )
        self._count = 0

    def at(self, now: datetime, hours: float = 0.0) -> Participation:
        """The services at a moment."""
        self.now = now + timedelta(hours=hours)
        return self.people

    def sender(self, language: str = "en") -> Sender:
        self._count += 1
        return Sender(language, f"demo-{self._count}")


def speak(city: City, seed: int = 7) -> None:
    """Let the people of a published demo city speak. Once, in a city nobody has spoken in."""
    end = city.versions(TREES)[0].published_at + timedelta(hours=6)
    talk = _Talk(city, end)
    talk.people.events.look()
    _corrections(talk, end)
    _discussion(talk, end)
    _reuses(talk, end)
    _wishes(talk, end)
    _readings(talk, end.date(), seed)


def _corrections(talk: _Talk, end: datetime) -> None:
    versions = {version.number: version.published_at for version in talk.city.versions(TREES)}
    values = _mistyped(talk.city)
    if values is not None:
        sent = versions[2] + timedelta(days=9, hours=5)
        report = Report(
            TREES,
            "I walk past this tree every day. The trunk is about as thick as my arm, it cannot be that many "
            "centimetres. A zero too many?",
            key=(MISTYPED,),
            label=MISTYPED,
            version=2,
            evidence="Measured with a tape at chest height.",
            current={"trunk_cm": str(values[0])},
            proposed={"trunk_cm": str(values[1])},
        )
        item = talk.at(sent).amendments.send(report, talk.sender())
        talk.at(sent, 30).amendments.move(item.id, "review")
        words = "You are right, thank you. The gardener typed a zero too many; the next survey file has it right."
        talk.at(sent, 52).amendments.move(item.id, "accepted", words)
        talk.at(versions[3], 1).amendments.compare(TREES)
    talk.at(end - timedelta(days=20))
    item = talk.people.amendments.send(
        Report(TREES, "The survey dates: is this the day of the visit, or of the entry?", column="surveyed_on"),
        talk.sender(),
    )
    words = "The day of the visit. We have added that to the description of the column."
    talk.at(end - timedelta(days=18)).amendments.move(item.id, "answered", words)
    item = talk.at(end - timedelta(days=33)).amendments.send(
        Report("playgrounds", "Please add the swing in my own garden, children like it.", version=1), talk.sender()
    )
    words = "A kind idea, but this list holds playgrounds on public ground that the city looks after."
    talk.at(end - timedelta(days=29)).amendments.move(item.id, "declined", words)
    rows = talk.city.query("libraries", limit=1)
    names = [column.name for column in rows.columns]
    row = dict(zip(names, rows.rows()[0], strict=True))
    contract = talk.city.catalogue.entry("libraries").contract
    library = tuple(str(row[name]) for name in contract.key)
    newest = talk.city.versions("libraries")[0].number
    talk.at(end - timedelta(days=2)).amendments.send(
        Report("libraries", "Since last month it is open until 19.00 on Thursdays; there is a sign at the door.",
               key=library, label=str(row.get("name", library[0])), version=newest),
        talk.sender("it"),
    )  # fmt: skip


def _mistyped(city: City) -> tuple[float, float] | None:
    """The trunk of :data:`MISTYPED` in the second version, with a zero too many, and in the third."""
    past = {item.version.number: item.row for item in city.history(TREES, MISTYPED)}
    rows = [row for number, row in sorted(past.items()) if number in (2, 3) or (number == 1 and 2 not in past)]
    values = [row["trunk_cm"] for row in rows if row is not None]
    return (values[0], values[-1]) if len(values) == 2 and values[0] > 9 * values[-1] else None


def _discussion(talk: _Talk, end: datetime) -> None:
    talk.at(end - timedelta(days=12))
    first = talk.people.discussions.say(
        "air-quality-hourly",
        "There is a gap of some days in spring. Was the station broken, or was the value too bad to show?",
        talk.sender(),
        title="Gaps in spring",
        author="Ines",
    )
    talk.at(end - timedelta(days=11, hours=4)).discussions.say(
        "air-quality-hourly",
        "The station was away for calibration, as every year. Hours without a measurement stay empty; we never leave "
        "out a measured value.",
        talk.sender(),
        thread=first.id,
        official=True,
    )
    talk.at(end - timedelta(days=11)).discussions.say(
        "air-quality-hourly", "Thank you, that is good to know.", talk.sender(), thread=first.id, author="Ines"
    )
    talk.at(end - timedelta(days=1, hours=3)).discussions.say(
        TREES, "I made a list of all of these, see https://example.org/trees", talk.sender(), title="My list"
    )


def _reuses(talk: _Talk, end: datetime) -> None:
    shown = (
        ("Shade on the way to school", "Finds the way to school with the most trees, for hot days.", "application",
         "https://example.org/shade", "Parents of the Gasometro school", (TREES, "schools"), 60),
        ("What the budget says in ten lines", "The town's plan and what was paid, in the words of the street.",
         "article", "https://example.org/budget", "La Gazzetta dell'Isola", ("budget", "spending"), 41),
        ("Counting bikes in class 4b", "A month of lessons: children predict how many bikes are free, then look it up.",
         "teaching", "https://example.org/bikes", "Class 4b with their teacher", ("bike-stations",), 17),
    )  # fmt: skip
    for title, words, kind, link, author, datasets, days in shown:
        item = talk.at(end - timedelta(days=days)).reuses.send(
            title, words, kind, link, author, datasets, talk.sender()
        )
        talk.at(end - timedelta(days=days - 1)).reuses.move(item.id, "shown")
    talk.at(end - timedelta(days=3)).reuses.send(
        "Noise at night", "Where the island is quiet after eleven, and where it is not.", "visualisation",
        "https://example.org/noise", "Two students", ("noise-levels",), talk.sender(),
    )  # fmt: skip


def _wishes(talk: _Talk, end: datetime) -> None:
    toilets = talk.at(end - timedelta(days=70)).wishes.send(
        "Public toilets", "Where they are, when they are open, whether a wheelchair fits, and whether they cost.",
        "A leaflet for visitors, and my grandmother.", talk.sender(),
    )  # fmt: skip
    talk.at(end - timedelta(days=66)).wishes.move(toilets.id, "review")
    for number in range(23):
        talk.at(end - timedelta(days=60 - number * 2)).wishes.back(toilets.id, browser=f"demo-{number}")
    talk.at(end - timedelta(days=30)).wishes.move(
        toilets.id, "planned", "The office of works is making the list.", planned=(end + timedelta(days=45)).date()
    )
    bikes = talk.at(end - timedelta(days=150)).wishes.send(
        "Free bikes at each station", "How many are there right now.", "An application.", talk.sender()
    )
    talk.at(end - timedelta(days=148)).wishes.move(bikes.id, "review")
    for number in range(9):
        talk.at(end - timedelta(days=140 - number)).wishes.back(bikes.id, browser=f"demo-{number}")
    talk.at(end - timedelta(days=120)).wishes.move(bikes.id, "published", "Here they are.", dataset="bike-stations")
    tax = talk.at(end - timedelta(days=25)).wishes.send(
        "Who has not paid the waste tax", "Names and addresses.", "", talk.sender()
    )
    words = "That would name persons. We publish the sums by neighbourhood, never who owes what."
    talk.at(end - timedelta(days=24)).wishes.move(tax.id, "declined", words)
    water = talk.at(end - timedelta(days=6)).wishes.send(
        "Drinking fountains", "Places and whether they run in winter.", "Running.", talk.sender()
    )
    talk.at(end - timedelta(days=5)).wishes.move(water.id, "review")
    for number in range(4):
        talk.at(end - timedelta(days=4)).wishes.back(water.id, browser=f"demo-{number}")
    talk.at(end - timedelta(days=1)).wishes.send(
        "Timetable of the ferry", "Departures and whether a ferry was late.", "Commuters want to know.", talk.sender()
    )


def _readings(talk: _Talk, today: date, seed: int) -> None:
    """How often the datasets were read in the last quarter, as a small town would."""
    dice = random.Random(seed)  # noqa: S311 - made-up counts
    liked: Mapping[str, int] = {
        TREES: 34, "air-quality-hourly": 28, "bike-stations": 22, "budget": 12, "transit-stops": 11, "schools": 9,
        "parking-occupancy": 9, "spending": 7, "playgrounds": 6, "election-results": 5, "libraries": 4,
    }  # fmt: skip
    shares = {"page": 0.55, "api": 0.25, "download:csv": 0.1, "download:xlsx": 0.06, "ogc": 0.04}
    for back in range(90, 0, -1):
        day = today - timedelta(days=back)
        quiet = 0.5 if day.weekday() > 4 else 1.0
        counts: dict[tuple[str, str, bool], int] = {}
        for dataset, level in liked.items():
            for kind, share in shares.items():
                people = round(level * share * quiet * dice.uniform(0.4, 1.6))
                robots = round(level * share * 0.6 * dice.random())
                if people:
                    counts[dataset, kind, False] = people
                if robots:
                    counts[dataset, kind, True] = robots
        talk.people.usage.write(counts, day)
