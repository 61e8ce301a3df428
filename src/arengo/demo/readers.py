"""The door of the made-up city in use: people of its offices, the programs they write, what they asked for and got.

Everything goes through the rooms that people use, at the time it would have been done, by whom it would have been
done. The record is told when it is really written: nothing in it is back-dated. Passwords and keys are made at random
and stand in one file that only the owner of the folder can read.
"""

from __future__ import annotations

import os
import random
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.demo import applications, ballots, pupils
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.caller import ASSURANCE, CITY_WIDE, Caller
from arengo.governance.decision import Mask
from arengo.governance.party import organisation_id
from arengo.governance.role import OPERATOR
from arengo.query.model import Query
from arengo.services.access import Access
from arengo.services.consumption import Consumption

if TYPE_CHECKING:
    from arengo.city import City
    from arengo.settings import Settings

ACCOUNTS = "demo-accounts.txt"
DAYS = 34
"""How long ago the story of the door begins."""
COLUMNS = ("pupil_id", "neighbourhood", "school", "grade", "school_bus")
"""Five of the nine: what planning school buses needs."""
DAILY = 200

OWNER = organisation_id(pupils.OWNER)
MOBILITY = organisation_id("Mobility Department")
STATISTICS = organisation_id("Statistics Office")
CITIZENS = organisation_id("Citizen Services")
PARTICIPATION = organisation_id(ballots.OWNER)

# name, address, office, roles, where they hold
_PEOPLE: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("Anna Melis", "anna.melis@arvenza.example", CITY_WIDE, ("administrator",)),
    ("Giulia Conti", pupils.OFFICER, CITY_WIDE, ("auditor",)),
    ("Lucia Ferri", pupils.HEAD, OWNER, ("steward", "publisher")),
    ("Paolo Riva", "paolo.riva@arvenza.example", OWNER, ("reader",)),
    ("Marco Sanna", "marco.sanna@arvenza.example", MOBILITY, ("reader",)),
    ("Elena Porcu", "elena.porcu@arvenza.example", MOBILITY, ("steward", "administrator")),
    ("Tommaso Neri", "tommaso.neri@arvenza.example", STATISTICS, ("reader", "steward")),
    ("Rita Deiana", "rita.deiana@arvenza.example", CITIZENS, ("reader",)),
    ("Sara Lai", "sara.lai@arvenza.example", PARTICIPATION, ("steward", "publisher")),
)
_DOES: Mapping[str, str] = {
    "Anna Melis": "lets people in, for the whole city; reads no data by that",
    "Giulia Conti": "data protection officer: the second yes, and the record",
    "Lucia Ferri": "head of the register of pupils: her desk has a request waiting",
    "Paolo Riva": "colleague of Lucia Ferri",
    "Marco Sanna": "develops the routes of the school buses; has an agreement and a key",
    "Elena Porcu": "answers for the Mobility Department",
    "Tommaso Neri": "asked for meals by school; his agreement is suspended",
    "Rita Deiana": "waits for an answer",
    "Sara Lai": "answers for the participatory budget: the privacy gate holds a table of hers back, see /privacy",
}

_ANSWERS = {
    "necessity": "Without the home nobody knows where a bus has to stop, without the school not where it goes.",
    "people": "Children who take the bus. Somebody could learn that a child of a small neighbourhood takes it.",
    "safeguards": "Two people of the office, on the city's own servers; accounts end with the job.",
    "combination": "None: only the street map, which is open and names nobody.",
    "decisions": "No decision about a single child. Stops and times are published before each school year.",
}
_MEALS = {
    "necessity": "School and class are counted; neither names nor days of birth are asked for.",
    "people": "Pupils of small classes: a count of one could be recognised by neighbours.",
    "safeguards": "Three people of the Statistics Office, under statistical secrecy.",
    "combination": "None: the counts are printed as they are.",
    "decisions": "No decision about anybody. The tables appear in the yearbook.",
}
_COUNTER = {
    "necessity": "The number and day of birth find the child whose parent stands at the counter.",
    "people": "Children whose parents ask, and by mistake others of the same name.",
    "safeguards": "Six clerks with their own accounts; each question is on record.",
    "combination": "None: it is looked up and read out.",
    "decisions": "No decision: the parent is told what stands in the register.",
}


@dataclass(slots=True)
class _Clock:
    """The time of the story."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


class _Hall:
    """The rooms of the door with a clock that is set by hand."""

    def __init__(self, city: City) -> None:
        self.today = datetime.now(UTC)
        self.city = city
        self.clock = _Clock(self.today)
        self.access = Access(
            city.settings, city.state, city.ledger, lambda dataset: city.catalogue.entry(dataset).contract, self.clock
        )
        self.passwords: dict[str, str] = {}
        self.people: dict[str, str] = {}

    def at(self, days: float) -> None:
        """So many days ago."""
        self.clock.now = self.today - timedelta(days=days)

    def invite(self, name: str, mail: str, organisation: str, roles: tuple[str, ...]) -> None:
        """Invite somebody, who then chooses a password."""
        person, link = self.access.parties.invitations.invite(name, mail, organisation, roles, by=OPERATOR)
        chosen = "-".join(secrets.token_hex(3) for _ in range(3))
        self.access.parties.invitations.accept(link, chosen)
        self.passwords[name], self.people[name] = chosen, person.id

    def acting(self, name: str) -> Caller:
        """Somebody who has just signed in."""
        sessions = self.access.sessions
        cookie = sessions.open(self.people[name], ASSURANCE.index("substantial"), method="demo")
        return sessions.caller(cookie)

    def purpose(self, by: Caller, title: str, text: str, dpv: str, **more: Any) -> str:
        values = {"title": title, "text": text, "dpv": dpv, "legal_basis": "eu-gdpr:A6-1-e", "personal": True,
                  "answers": _ANSWERS, "retention": "P1Y", **more}  # fmt: skip
        return self.access.agreements.purposes.write(by.organisation, values, by=by).id

    def ask(self, by: Caller, application: str, purpose: str, columns: tuple[str, ...], volume: int,
            masks: tuple[tuple[str, Mask], ...] = ()) -> Agreement:  # fmt: skip
        """A request for a year, sent."""
        now = self.clock()
        terms = Terms(columns, "standard", volume, now, now + timedelta(days=365), masks=masks)
        made = self.access.agreements.draft(
            pupils.ID, by=by, organisation=by.organisation, application=application, purpose=purpose, terms=terms
        )
        return self.access.agreements.submit(made.id, by=by)


def open_door(city: City, seed: int = 7) -> Path:
    """Let people of a published demo city use the door. Once. Returns the file with their passwords and the key."""
    hall = _Hall(city)
    hall.at(DAYS)
    offices = {CITY_WIDE, *hall.access.parties.organisations()}  # of a city that published a part, some are not there
    for name, mail, organisation, roles in _PEOPLE:
        if organisation in offices or organisation != PARTICIPATION:
            hall.invite(name, mail, organisation, roles)
    routes, key = _routes(hall)
    meals = _meals(hall)
    _waiting(hall)
    hall.at(0)
    _use(hall, routes, meals, seed)
    plan = city.census.read([city.settings.root / applications.PATH])
    city.census.take(city.census.offer(plan, hall.people["Anna Melis"]), hall.people["Anna Melis"])
    _read(city, key)
    hall.access.store.close()
    return _write(city.settings, hall, routes, key)


def _routes(hall: _Hall) -> tuple[Agreement, str]:
    """The agreement of the story: five columns of nine, pupils nobody can name, two hundred calls a day."""
    agreements, store = hall.access.agreements, hall.access.store
    marco = hall.acting("Marco Sanna")
    program = store.applications.create(
        "School bus routes", marco, organisation=MOBILITY, words="Plans stops and times of the school buses.",
        contacts=["marco.sanna@arvenza.example"],
    )  # fmt: skip
    purpose = hall.purpose(
        marco, "Planning school bus routes",
        "Where pupils live who take the bus, so that stops and times fit; once a term, and when somebody moves.",
        "dpv:ImproveTransportMobility", recipients=["Arvenza Buses"],
    )  # fmt: skip
    asked = hall.ask(marco, program.id, purpose, COLUMNS, 500)
    hall.at(DAYS - 1.2)
    assert asked.asked is not None
    granted = replace(
        asked.asked, masks=(("pupil_id", Mask("pseudonym")),), volume=DAILY,
        obligations=("Erase what you read when the routes of the year are published.",),
    )  # fmt: skip
    why = "The routes need homes and schools, not who the child is; two hundred calls a day are plenty."
    agreements.approve(asked.id, by=hall.acting("Lucia Ferri"), why=why, terms=granted)
    hall.at(DAYS - 2)
    given = agreements.approve(
        asked.id, by=hall.acting("Giulia Conti"), why="Proportionate: no names, no days of birth, one purpose."
    )
    _made, key = store.applications.issue(
        program.id, hall.acting("Marco Sanna"), agreement=given.id, title="Routes on the planning server"
    )
    return given, key


def _meals(hall: _Hall) -> Agreement:
    """An agreement that its owner suspended."""
    agreements = hall.access.agreements
    hall.at(DAYS - 5)
    tommaso = hall.acting("Tommaso Neri")
    program = hall.access.store.applications.create("Meals at school", tommaso, organisation=STATISTICS)
    purpose = hall.purpose(
        tommaso, "Statistics of meals at school", "How many pupils eat at school, by school and class, once a term.",
        "dpv:ProvideOfficialStatistics", answers=_MEALS,
    )  # fmt: skip
    asked = hall.ask(tommaso, program.id, purpose, ("school", "grade", "canteen"), 20)
    hall.at(DAYS - 6)
    given = agreements.approve(asked.id, by=hall.acting("Lucia Ferri"), why="Counts of meals name nobody.")
    if given.state != "active":
        given = agreements.approve(asked.id, by=hall.acting("Giulia Conti"), why="No column tells who the child is.")
    hall.at(4)
    why = "Single classes of four pupils were printed in the bulletin. Let us talk about the smallest group first."
    return agreements.suspend(given.id, by=hall.acting("Lucia Ferri"), why=why)


def _waiting(hall: _Hall) -> None:
    """A request on the owner's desk."""
    hall.at(1.1)
    rita = hall.acting("Rita Deiana")
    program = hall.access.store.applications.create("Counter for families", rita, organisation=CITIZENS)
    purpose = hall.purpose(
        rita, "Answering families at the counter",
        "Which school and class a child goes to, and whether it eats there, when a parent asks at the counter.",
        "dpv:RequestedServiceProvision", answers=_COUNTER,
    )  # fmt: skip
    hall.ask(rita, program.id, purpose, ("pupil_id", "birth_date", "school", "grade", "school_year", "canteen"), 400)


def _use(hall: _Hall, routes: Agreement, meals: Agreement, seed: int) -> None:
    """How often the two programs called, day by day."""
    dice = random.Random(seed)  # noqa: S311 - made-up counts
    zone = hall.city.settings.city.timezone
    path = f"/api/v1/datasets/{pupils.ID}/rows"
    for back in range(DAYS - 3, 0, -1):
        day = hall.today - timedelta(days=back)
        if day.weekday() > 4:
            continue
        counted = Consumption(hall.city.state, zone, now=partial(_same, day))
        for item, often, rows in ((routes, 30, 900), (meals, 4, 400)):
            if item is meals and back > DAYS - 7:
                continue
            caller = Caller(item.application, item.organisation, item.application, agreement=item.id)
            stopped = item is meals and back < 4
            for _call in range(dice.randint(often // 2, often * 2)):
                held = [] if stopped else [(pupils.ID, item.id, rows)]
                counted.note(caller, path, 403 if stopped else 200, 0 if stopped else rows * 60, held)
        counted.close()


def _same(moment: datetime) -> datetime:
    return moment


def _read(city: City, key: str) -> None:
    """A few readings of today, by the key itself, through the door: the record has them."""
    access = city.access
    url = f"{city.settings.city.url or 'http://localhost'}/api/v1/datasets/{pupils.ID}/rows"
    caller = access.store.credentials.caller([(b"authorization", f"Bearer {key}".encode())], "GET", url)
    assert caller is not None
    for offset in (50, 120, 80):
        answer = city.door.ask(Query(pupils.ID, select=("school", "neighbourhood", "school_bus"), limit=offset), caller)
        agreement = answer.view.decision.agreement
        access.enter(caller, agreement)
        rows = len(answer.rows())
        access.store.consumption.note(caller, url, 200, rows * 60, [(pupils.ID, agreement, rows)])
    access.store.consumption.flush()


def served_at(path: Path, port: int) -> None:
    """Let what is tried in the file with the passwords name the port at which the city is served."""
    if path.exists():
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"http://localhost:\d+/", f"http://localhost:{port}/", text), encoding="utf-8")


def _write(settings: Settings, hall: _Hall, routes: Agreement, key: str) -> Path:
    """The one place where the passwords and the key stand."""
    path = settings.home / ACCOUNTS
    wide = max(len(mail) for _name, mail, _office, _roles in _PEOPLE)
    lines = [
        f"People of {settings.city.name}, all made up. Passwords and key were drawn at random for this folder alone.",
        "Sign in at /login.",
        "",
        *(
            f"{mail:{wide}}  {hall.passwords[name]}  {name}: {_DOES[name]}"
            for name, mail, _office, _roles in _PEOPLE
            if name in hall.passwords
        ),
        "",
        f"Key of the program 'School bus routes' (agreement {routes.id}: {', '.join(COLUMNS)}; {DAILY} calls a day):",
        key,
        "",
        "Try it:",
        f"  curl -H 'Authorization: Bearer {key}' \\",
        f"    'http://localhost:8000/api/v1/datasets/{pupils.ID}/rows?limit=3'",
        "",
    ]
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    return path
