"""Repairs beside earlier releases: only the few who stand out go, and whoever has it all learns no more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gate_case import Kind, Table, World, plain, quasi, sensitive, table
from hypothesis import given, settings
from hypothesis import strategies as st
from test_privacy_acceptance import ILLNESS, ILLNESSES, areas, counted, geography, ward, zone
from test_privacy_attacker import Game, K, Shown, lost

from arengo.contract.load import freeze
from arengo.demo import ballots
from arengo.demo.world import World as City
from arengo.errors import PolicyError
from arengo.privacy import gate
from arengo.privacy.case import Case
from arengo.privacy.population import blind
from arengo.privacy.protect import protect
from arengo.privacy.search import withheld
from arengo.privacy.verdict import Repair, Verdict

OUTCOME = {"pass": 0, "review": 1, "repair": 2, "block": 3}
DECADES = {"arengoHierarchy": "dates", "arengoLevel": "decade"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def taken(data: Table, repair: Repair) -> Table:
    """The table under a contract with the repair in it."""
    columns = {
        name: (kind, {**told, "arengoProtect": repair.columns[name]} if name in repair.columns else told)
        for name, (kind, told) in data.columns.items()
    }
    custom = {**data.custom, "arengoProtection": repair.contract} if repair.contract else data.custom
    return replace(data, columns=columns, custom=custom)


def street(world: World, data: Table, into: str = "stored") -> Case:
    """The case as the street hands it to the gate: protected by its contract, against the ledger as it is now."""
    case = replace(world.case(data), table=f'"{into}"')
    contract = case.contract
    protect(case.connection, world.put(data, contract.as_read()), contract, case.codes,  # type: ignore[arg-type]
            secret=case.secret, subject='i."_subject"', into=into, beside=lambda made: replace(case, table=made),
            population="residents")  # fmt: skip
    return case


def stored(case: Case, *columns: str) -> dict[str, tuple[Any, ...]]:
    """Blind number -> what the protected table tells of the person."""
    rows = case.connection.execute(f"SELECT _subject, {', '.join(columns)} FROM {case.table}").fetchall()
    return {row[0]: tuple(row[1:]) for row in rows}


def classes(*releases: dict[str, tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    """Whoever holds all releases and knows who is who: the groups of people alike in each, missing ones too."""
    everybody = set().union(*releases)
    return Counter(tuple(item.get(who) for item in releases) for who in everybody)


def below(verdict: Verdict) -> set[str]:
    return {item.code for item in verdict.findings if OUTCOME[item.outcome] > 1}


# The demo


@cache
def voters() -> list[dict[str, Any]]:
    return ballots._votes(City(7, date(2026, 9, 1)))


def turnout(world: World) -> tuple[Table, dict[str, tuple[Any, ...]]]:
    """The demo's ballots, published, and its table of who took part, which is held back."""
    votes = voters()
    cells = sorted({item["cell"].code for item in votes})
    world.lists(places="section,district\n" + "".join(f"{code},d{code[:2]}\n" for code in cells))
    world.register(
        ["residence", "birth-date", "sex"],
        {item["id"]: [item["cell"].code, item["born"].isoformat(), item["sex"]] for item in votes},
    )
    sql = world.hierarchies().sql("dates", "decade", "v", "date")
    born = sorted({item["born"] for item in votes})
    shown = dict(
        zip(born, (row[0] for row in world.connection.execute(
            f"SELECT {sql} FROM (SELECT unnest(?::DATE[]) AS v)", [born]).fetchall()), strict=True)
    )  # fmt: skip
    sizes = Counter((item["sex"], shown[item["born"]]) for item in votes)
    kept = [item for item in votes if sizes[item["sex"], shown[item["born"]]] >= 5]
    first = table(
        "participatory-budget-ballots",
        {"born": quasi(Kind.STRING, "birth-date", **DECADES), "sex": quasi(Kind.STRING, "sex"),
         "channel": plain(Kind.STRING), "vote": plain(Kind.STRING)},
        [[shown[item["born"]], item["sex"], item["way"], item["vote"]] for item in kept], [item["id"] for item in kept],
    )  # fmt: skip
    world.publish(first)
    second = table(
        "participatory-budget-turnout",
        {"district": quasi(Kind.STRING, "residence", arengoHierarchy="places", arengoLevel="district"),
         "born": quasi(Kind.STRING, "birth-date", **DECADES), "channel": plain(Kind.STRING)},
        [[f"d{item['cell'].code[:2]}", shown[item["born"]], item["way"]] for item in votes],
        [item["id"] for item in votes],
        arengoProtection={"suppress": {"below": 5}},
    )  # fmt: skip
    told = {blind(bytes(range(32)), "residents", item["id"]): (shown[item["born"]], item["sex"]) for item in kept}
    return second, told


def test_a_handful_of_voters_goes_and_not_the_district(world: World) -> None:
    data, ballots_ = turnout(world)
    case = street(world, data)
    (rows,) = case.connection.execute(f"SELECT count(*) FROM {case.table}").fetchone() or (0,)
    verdict = gate.judge(replace(case, release=replace(case.release, rows=rows)))
    assert below(verdict) == {"overlap-joint"}
    first, second, third = verdict.repairs
    assert [item.kind for item in verdict.repairs] == ["blank", "beside", "generalise"]
    assert first.loss < second.loss < third.loss
    assert first.suppressed == 0
    assert 0 < first.facts["blanked"] <= 0.01 * rows
    assert first.facts["of"] == rows
    assert 0 < second.suppressed <= 0.01 * rows
    assert third.columns == {"district": ("drop",)}
    before = classes(ballots_, stored(case, "district", "born"))
    assert min(before.values()) < 5
    for repair in (first, second):
        made = street(world, taken(data, repair), f"stored_{repair.kind}")
        assert gate.judge(made).outcome == "pass"
        told = stored(made, "district", "born")
        assert len(told) >= 0.98 * len(data.rows)
        alike = classes(ballots_, told)
        # Who stood in a group of k by the ballots still does, shown, half shown or missing.
        known = Counter(ballots_.values())
        assert all(n >= 5 for (ballot, _), n in alike.items() if ballot is not None and known[ballot] >= 5)
        again = stored(street(world, taken(data, repair), "again"), "district", "born")
        assert again == told, "the same publication leaves out the same people"


def test_a_new_version_is_protected_anew_by_the_same_contract(world: World) -> None:
    data, _ = turnout(world)
    held = street(world, data)
    repair = gate.judge(held).repairs[0]
    data = taken(data, repair)
    first = street(world, data)
    world.day += 1
    release = world.release(data, 1)
    world.releases.add(release, world.connection, first.table)
    gone = {who for who, (district, _) in stored(first, "district", "born").items() if district is None}
    more = [[row[0], row[1], row[2]] for row in data.rows[: len(data.rows) - 40]]
    later = replace(data, rows=more, people=data.people[: len(more)])
    second = street(world, later, "second")
    assert gate.judge(second).outcome in ("pass", "review")
    still = {who for who, (district, _) in stored(second, "district", "born").items() if district is None}
    assert len(gone & still) >= 0.8 * len(gone), "mostly the same people, so that versions tell little"


# Sensitive values, rows that match, people nobody names


def hospital(name: str, ages: Sequence[Any], illnesses: Sequence[str], people: Sequence[int]) -> Table:
    columns = {"age": quasi(Kind.STRING, f"{name}-age"), "illness": sensitive(Kind.STRING, "illness")}
    return table(name, columns, list(zip(ages, illnesses, strict=True)), people)


def test_a_value_that_two_hospitals_tell_together_is_left_out(world: World) -> None:
    """Two releases in which each group has several illnesses; five people's own is the only one in both groups."""
    draw = np.random.default_rng(5)
    people = list(range(600))
    truth = [("a", "b", "c", "d")[int(item)] for item in draw.integers(0, 4, 600)]
    first = [f"f{at // 100}" for at in people]
    second = [f"s{at % 6}" for at in people]
    for at in range(5):  # a small group of the second release that meets the first in one illness each
        truth[at] = "a"
        second[at] = "lone"
    for at in range(100, 105):
        truth[at] = "e"
        second[at] = "lone"
    world.register(["illness"], {at: [truth[at]] for at in people})
    world.publish(hospital("north", first, truth, people))
    data = hospital("south", second, truth, people)
    verdict = gate.judge(world.case(data))
    assert "overlap-known" in below(verdict)
    few = [item for item in verdict.repairs if item.kind in ("blank", "beside")]
    assert few
    for repair in few:
        made = street(world, taken(data, repair))
        assert OUTCOME[gate.judge(made).outcome] < OUTCOME["repair"]
        gone = repair.suppressed + int(repair.facts["blanked"])
        assert 0 < gone <= 30
    told = next((item for item in few if item.kind == "blank"), None)
    assert told is None or told.contract["suppress"]["blank"] == ("illness",)


def test_rows_that_match_rows_already_public_are_left_out(world: World) -> None:
    """Loans and visits share a day and a branch; three people's pair is unique in both."""
    common = [(f"2026-03-{1 + at % 5:02d}", f"b{at % 3}") for at in range(600)]
    for at, odd in zip((7, 77, 177), ("x", "y", "z"), strict=True):
        common[at] = ("2026-04-09", odd)
    visits = {"day": sensitive(Kind.STRING, "day"), "branch": sensitive(Kind.STRING, "branch"),
              "reason": plain(Kind.STRING, arengoPrivacyConcept="reason")}  # fmt: skip
    loans = {"day": sensitive(Kind.STRING, "day"), "branch": sensitive(Kind.STRING, "branch"),
             "title": plain(Kind.STRING, arengoPrivacyConcept="title")}  # fmt: skip
    world.publish(table("visits", visits, [[*row, "read"] for row in common]))
    data = table("loans", loans, [[*row, "book"] for row in common], arengoPersonalReason="days are no secret")
    verdict = gate.judge(world.case(data))
    assert "linkage-unique" in below(verdict)
    (few,) = [item for item in verdict.repairs if item.kind == "beside"]
    assert few.suppressed <= 15
    assert "linkage-unique" not in below(gate.judge(street(world, taken(data, few))))


def test_rows_nobody_names_are_left_out_by_what_they_tell(world: World) -> None:
    """It is not known whose row is whose: the register's people stand in, and rows that tell the same go together."""
    people = {at: [f"d{at % 10}", f"a{at // 100}"] for at in range(1_000)}
    for at in range(3):
        people[at] = ["d9", "a10"]
    world.register(["residence", "age"], people)
    world.publish(
        table("visits", {"district": quasi(Kind.STRING, "residence")}, [[told[0]] for told in people.values()])
    )
    data = table("loans", {"age": quasi(Kind.STRING, "age"), "branch": plain(Kind.STRING)},
                 [[told[1], "x"] for told in people.values()] + [["a10", "x"]] * 4, ())  # fmt: skip
    verdict = gate.judge(world.case(data))
    assert "overlap-joint" in below(verdict)
    few = next(item for item in verdict.repairs if item.kind == "beside")
    assert 0 < few.suppressed <= 50
    made = street(world, taken(data, few))
    assert OUTCOME[gate.judge(made).outcome] < OUTCOME["repair"]


# Where nothing helps, and what is refused


def test_where_there_is_no_repair_it_is_said_what_else_can_be_done(world: World) -> None:
    data = table("few", {"age": quasi(Kind.INTEGER, "age")}, [[31], [47]])
    verdict = gate.judge(world.case(data))
    assert verdict.outcome == "repair"
    if not verdict.repairs:
        (said,) = [item.sentence() for item in verdict.findings if item.code.startswith("no-repair")]
        assert "published later" in said
    else:
        assert not [item for item in verdict.findings if item.code.startswith("no-repair")]


def test_no_repair_is_said_with_the_releases_that_stand_in_its_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, _ = turnout(world)
    monkeypatch.setattr("arengo.privacy.repair.plans", lambda case, wrong: ())
    verdict = gate.judge(street(world, data))
    (said,) = [item for item in verdict.findings if item.code.startswith("no-repair")]
    assert said.code == "no-repair-beside"
    assert said.outcome == "pass"
    assert "participatory-budget-ballots v1" in said.sentence()
    assert verdict.outcome == "block"


def test_the_rule_is_refused_where_nothing_is_known_of_other_releases(world: World) -> None:
    columns = {"age": quasi(Kind.INTEGER, "age"), "sex": quasi(Kind.STRING, "sex")}
    data = table("ballots", columns, [[30, "F"]] * 9, arengoProtection={"suppress": {"below": 5, "beside": True}})
    case = world.case(data)
    with pytest.raises(PolicyError, match="earlier releases"):
        protect(case.connection, case.table, case.contract, case.codes,  # type: ignore[arg-type]
                secret=case.secret, subject="", into="stored")  # fmt: skip
    wrong = replace(data, custom={**data.custom, "arengoProtection": freeze(
        {"suppress": {"below": 5, "beside": True, "blank": ['x"; DROP TABLE y']}})})  # fmt: skip
    with pytest.raises(PolicyError, match="not stored"):
        street(world, wrong)


def test_a_table_without_population_loses_its_small_groups_as_before(world: World) -> None:
    columns = {"age": quasi(Kind.INTEGER, "age")}
    data = table("ballots", columns, [[30]] * 9 + [[31]] * 3, population="",
                 arengoProtection={"suppress": {"below": 5, "beside": True}})  # fmt: skip
    assert set(stored(street(world, data), "age").values()) == {(30,)}


# Whom to leave out


@given(
    st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 4), st.integers(0, 1)), max_size=120),
    st.integers(2, 6), st.booleans(), st.booleans(), st.data(),
)  # fmt: skip
@settings(deadline=None)
def test_every_cell_of_a_class_is_large_or_the_whole_class(
    told: list[tuple[int, int, int]], k: int, partly: bool, whole: bool, data: st.DataObject
) -> None:
    other, shown, coarse = (np.array([row[at] for row in told], np.int64) for at in range(3))
    blank = coarse if partly and not whole else np.full(len(told), -1)
    people = withheld.People(
        other, shown * 2 + coarse, blank, np.arange(len(told)) * 7 % 101, np.zeros(len(told), bool)
    )
    least = np.array(
        data.draw(st.lists(st.sampled_from([0, 0, 0, 2]), min_size=len(told), max_size=len(told))), np.int8
    )
    state = withheld.choose(people, k, least, whole)
    assert (state >= least).all()
    cells: dict[int, Counter[tuple[int, int]]] = defaultdict(Counter)
    for at in range(len(told)):
        if other[at] >= 0:
            cells[int(other[at])][int(state[at]), (int(people.shown[at]), int(blank[at]), 0)[state[at]]] += 1
    for held in cells.values():
        least_ = min((n for (told_, _), n in held.items() if not whole or told_ != withheld.OUT), default=k)
        assert len(held) == 1 or least_ >= k
    if whole:
        gone = set(people.shown[state == withheld.OUT].tolist())
        kept = {int(people.shown[at]) for at in np.flatnonzero(state == withheld.SHOWN) if other[at] >= 0}
        assert not gone & kept
    assert (withheld.choose(people, k, least, whole) == state).all()


def test_a_large_class_loses_only_what_it_must() -> None:
    """Three stand out among a hundred: they go, and two others with them, so that those missing are five."""
    shown = np.array([0] * 3 + [1] * 47 + [2] * 50)
    people = withheld.People(np.zeros(100, np.int64), shown, np.full(100, -1), np.arange(100)[::-1].copy(),
                             np.zeros(100, bool))  # fmt: skip
    state = withheld.choose(people, 5, np.zeros(100, np.int8))
    assert (state > 0).sum() == 5
    assert (state[:3] == withheld.OUT).all()
    fixed = replace(people, fixed=np.arange(100) < 3)  # public already: nothing can be done about them
    assert (withheld.choose(fixed, 5, np.zeros(100, np.int8)) == 0).all()


# The attacker plays against repaired publications


class Mended(Game):
    """The same game, in which the city takes the cheapest repair that leaves something out. The attacker knows who is
    missing from a release about everybody, and of whom a value was left out."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.taken: Counter[str] = Counter()
        self.full: list[Shown] = []

    def play(self, turns: int) -> None:
        for turn in range(turns):
            data, shown = self.rows(turn) if self.random.random() < 0.6 else self.cells(turn)
            full = shown.rows and len(shown.codes) == len(self.people)
            verdict = gate.judge(self.world.case(data))
            if verdict.outcome == "pass":
                self.world.publish(data)
                self.public.append(shown)
                self.full += [shown] if full else []
                continue
            self.held += 1
            for repair in verdict.repairs:
                exact = repair.kind in ("blank", "beside") or repair.id == "cells-suppress"
                if exact and self.take(data, shown, repair):
                    self.taken[repair.kind] += 1
                    self.full += [shown] if full else []
                    break

    def take(self, data: Table, shown: Shown, repair: Repair) -> bool:
        mended = taken(data, repair)
        case = street(self.world, mended, f"mended_{self.held}")
        if gate.judge(case).outcome != "pass":
            return False
        by = [name for name in data.columns if name.startswith("c_")]
        if shown.rows:
            mine = {blind(bytes(range(32)), "residents", str(who)): who for who in self.people}
            held = {mine[name]: row for name, row in stored(case, *by, *(["benefit"] if shown.told else [])).items()}
            shown.codes = {who: tuple("~" if item is None else item for item in row[: len(by)])
                           for who, row in held.items()}  # fmt: skip
            shown.figures = defaultdict(Counter)
            blank: Counter[tuple[str, ...]] = Counter()
            for who, row in held.items():
                if len(row) > len(by) and row[-1] is None:
                    blank[shown.codes[who]] += 1
                else:
                    shown.figures[shown.codes[who]][row[-1]] += 1
            shown.blank = dict(blank)
        else:
            rows = case.connection.execute(f"SELECT {', '.join(by)}, people FROM {case.table}").fetchall()
            shown.figures = {row[:-1]: row[-1] for row in rows}
        self.world.day += 1
        number = 1 + max((item.number for item in self.world.releases.of_dataset(data.dataset)), default=0)
        self.world.releases.add(self.world.release(mended, number), self.world.connection, case.table)
        self.public.append(shown)
        return True

    def small_groups(self) -> list[int]:
        seen = {who: tuple(item.codes.get(who) for item in self.full) for who in self.people}
        sizes = Counter(seen.values())
        return [who for who, key in seen.items() if sizes[key] < K]


def mended(folder: Path, seed: int, turns: int) -> Mended:
    game = Mended(folder, seed)
    try:
        game.play(turns)
    finally:
        game.world.close()
    return game


@pytest.mark.parametrize("seed", [13, 14])
def test_the_attacker_wins_nothing_from_repaired_publications(tmp_path: Path, seed: int) -> None:
    game = mended(tmp_path, seed, 6)
    assert game.taken
    assert not lost(game)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3, 20, 21, 22, 23])
def test_whatever_is_repaired_the_attacker_wins_nothing(tmp_path: Path, seed: int) -> None:
    assert not lost(mended(tmp_path, seed, 9))


# Cases of privacy.md, section 3


def test_somebody_who_left_since_the_last_version_does_not_leave_alone(world: World) -> None:
    """Case 9 with more people: the one illness that vanished is the leaver's, unless others of the band go as well."""
    rows = [(f"{band}s", ILLNESSES[n % 6]) for band in (20, 40, 60) for n in range(140)]
    world.publish(table("ward-7", ILLNESS, rows))
    data = table("ward-7", ILLNESS, rows[1:], list(range(1, 420)))
    verdict = gate.judge(world.case(data))
    assert "overlap-leavers" in below(verdict)
    repair = verdict.repairs[0]
    assert repair.kind == "beside"
    assert 0 < repair.suppressed <= 10
    made = street(world, taken(data, repair))
    assert gate.judge(made).outcome in ("pass", "review")
    (bands,) = zip(*set(stored(made, "band").values()), strict=True)
    assert set(bands) == {"20s", "40s", "60s"}


def test_a_zone_less_a_ward_is_mended_by_the_cells_that_tell_it(world: World) -> None:
    people = geography(world)
    world.publish(areas("ward-counts", "ward", counted(people, ward)))
    data = areas("zone-counts", "zone", counted(people, zone))
    verdict = gate.judge(world.case(data))
    assert below(verdict) == {"cells-differenced"}
    assert len(verdict.repairs) == 3
    for repair in verdict.repairs:
        made = street(world, taken(data, repair))
        assert gate.judge(made).outcome == "pass"
    (exact,) = [item for item in verdict.repairs if item.id == "cells-suppress"]
    assert exact.contract["cells"] == {"method": "suppress", "threshold": 5, "beside": True}
    assert exact.suppressed == 2
