"""Decisions about what the gate holds back: of several at once one counts, and a kill leaves none of them half."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from test_publish_gate import BALLOTS, SECOND, SEX, STEWARD, _born, _city, _write

from arengo.city import City, open_city
from arengo.contract.load import loads, sha
from arengo.contract.model import Frozen
from arengo.errors import ArengoError, Conflict, ContractError, NotAllowed
from arengo.privacy.finding import Finding
from arengo.privacy.verdict import Repair, Verdict
from arengo.privacy.verdicts import HELD, Held
from arengo.publish.schedule import decided
from arengo.services import gate
from arengo.services.answer import Answer
from arengo.services.gate import NOTE, Desk
from arengo.services.stewardship import Stewardship, edits
from arengo.state import State, open_state, parties

SECOND_STEWARD = type(STEWARD)(party="nina", organisation="participation", roles=(("participation", "steward"),))
AT = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
TEXT = BALLOTS.format(id="ballots", columns="\n".join((_born(), SEX)), custom="")
YEARS = Repair("years", "generalise", Frozen({"born": ({"level": "year"},)}))
NO_SEX = Repair("no-sex", "drop", Frozen({"sex": ("drop",)}))
WHY = "The council decided that it may be public."


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(f"sqlite:///{tmp_path / 'state.sqlite'}") as made:
        contract = loads(TEXT)
        made.put_contract("ballots", version="1.0.0", sha=sha(contract), text=TEXT, path="ballots.odcs.yaml", at=AT)
        yield made


class Book:
    """A record in memory. ``stops``: the process ends before it is written."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.stops = False

    def tell(self, kind: str, **facts: Any) -> None:
        if self.stops:
            raise KeyboardInterrupt
        self.told.append(facts["body"])

    def recorded(self, dataset: str, request: str) -> bool:
        return any(item["request"] == request for item in self.told)


def _desk(state: State, book: Book, published: list[str], now: Callable[[], datetime] = lambda: AT) -> Desk:
    def text(dataset: str) -> Any:
        return loads(state.contracts()[dataset].text)

    return Desk(state, text, book.tell, published.append, now=now, recorded=book.recorded)


def _held(desk: Desk, outcome: str = "review") -> Held:
    found = Finding("risk-small-groups", outcome, Frozen(k=5), ("born", "sex"), people=58)
    verdict = Verdict("ballots", desk.state.contracts()["ballots"].sha, AT, (found,), (YEARS, NO_SEX), run="r1")
    return desk.verdicts.keep(verdict, HELD)


def _at_once(*acts: Callable[[], object]) -> list[object]:
    """Start all at one moment; what each gave or raised."""
    gate_ = threading.Barrier(len(acts))
    out: list[object] = [None] * len(acts)

    def run(at: int) -> None:
        gate_.wait()
        try:
            out[at] = acts[at]()
        except ArengoError as error:
            out[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def test_of_decisions_at_once_one_counts_and_the_contract_is_its(state: State) -> None:
    for _round in range(6):
        state.put_contract("ballots", version="1.0.0", sha=sha(loads(TEXT)), text=TEXT, path="", at=AT)
        _race(state)


def _race(state: State) -> None:
    book, published = Book(), list[str]()
    desk = _desk(state, book, published)
    held = _held(desk)
    before = {item.id for item in desk.decisions("ballots")}
    found = _at_once(
        lambda: desk.repair(held.id, "years", STEWARD),
        lambda: desk.repair(held.id, "no-sex", SECOND_STEWARD),
        lambda: desk.approve(held.id, STEWARD, WHY),
        lambda: desk.repair(held.id, "years", SECOND_STEWARD),
    )
    lost = [item for item in found if isinstance(item, ArengoError)]
    assert len(lost) == 3, found
    assert all(isinstance(item, Conflict) and item.met and item.todo for item in lost)
    (won,) = [item for item in desk.decisions("ballots") if item.id not in before]  # all rounds have one time
    assert won.verdict == held.id
    assert len(book.told) == len(published) == 1
    text = state.contracts()["ballots"].text
    assert (text == TEXT) == (won.kind == "approve")
    assert ("level: year" in text) == (won.reason == "repair years")
    assert not state.saved(NOTE)


def test_two_overrides_at_once_are_one(state: State) -> None:
    desk = _desk(state, Book(), [])
    held = _held(desk, "block")
    found = _at_once(lambda: desk.override(held.id, STEWARD, WHY), lambda: desk.override(held.id, SECOND_STEWARD, WHY))
    assert sum(isinstance(item, Conflict) for item in found) == 1
    waits = desk.open_override(held)
    assert waits is not None
    found = _at_once(
        lambda: desk.confirm(waits.id, SECOND, WHY), lambda: desk.decline(waits.id, SECOND, "It may not be."),
    )  # fmt: skip
    assert sum(isinstance(item, Conflict) for item in found) == 1
    assert desk.get(held.id).settled == ("decided" if desk.decisions("ballots")[0].state == "given" else "held")


@pytest.mark.parametrize("mail", ["nina+second@porto.example", "ｎｉｎａ@porto.example"])
def test_two_accounts_of_one_mailbox_are_not_two_people(state: State, mail: str) -> None:
    desk = _desk(state, Book(), [])
    held = _held(desk, "block")
    with state.write() as connection:
        for who, address in (("nina", "nina@porto.example"), ("otto", mail), ("vera", "vera+nina@porto.example")):
            told = {"id": who, "name": who, "organisation": "", "state": "active", "language": "en"}
            connection.execute(parties.person.insert().values(mail=address, created_at=AT, updated_at=AT, **told))
    asked = desk.override(held.id, SECOND_STEWARD, WHY)
    with pytest.raises(NotAllowed, match="somebody else"):
        desk.confirm(asked.id, SECOND, WHY)
    vera = replace(SECOND, party="vera")
    assert desk.confirm(asked.id, vera, WHY).state == "given"


def test_a_repair_that_comes_too_late_leaves_the_contract(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, other = _desk(state, Book(), []), _desk(state, Book(), [])
    held = _held(desk)
    look = desk.mended

    def slowly(id: str, repair: str) -> Any:
        found = look(id, repair)
        other.approve(id, SECOND_STEWARD, WHY)
        return found

    monkeypatch.setattr(desk, "mended", slowly)
    with pytest.raises(Conflict):
        desk.repair(held.id, "years", STEWARD)
    assert state.contracts()["ballots"].text == TEXT
    assert not edits(state)
    assert [item.kind for item in desk.decisions("ballots")] == ["approve"]


def test_two_edits_of_one_text_never_overwrite_each_other(state: State) -> None:
    texts = [TEXT.replace("name: ballots\nversion", f"name: ballots {n}\nversion") for n in range(4)]
    base = state.contracts()["ballots"].sha
    found = _at_once(*(lambda text=text: Stewardship(state).keep("ballots", text, base) for text in texts))
    assert sum(isinstance(item, ContractError) for item in found) == 3
    kept = state.contracts()["ballots"]
    assert edits(state)["ballots"]["sha"] == kept.sha


@pytest.mark.parametrize("act", ["approve", "repair", "override", "confirm", "decline", "answer"])
def test_a_decision_cut_off_before_the_record_is_told_once_afterwards(state: State, act: str) -> None:
    book, published = Book(), list[str]()
    desk = _desk(state, book, published)
    held = _held(desk, "review" if act == "approve" else "block")
    if act in ("confirm", "decline"):
        waits = desk.override(held.id, STEWARD, WHY)
        book.told.clear()
    acts: dict[str, Callable[[], object]] = {
        "approve": lambda: desk.approve(held.id, STEWARD, WHY),
        "repair": lambda: desk.repair(held.id, "years", STEWARD),
        "override": lambda: desk.override(held.id, STEWARD, WHY),
        "confirm": lambda: desk.confirm(waits.id, SECOND, WHY),
        "decline": lambda: desk.decline(waits.id, SECOND, WHY),
        "answer": lambda: desk.answer("ballots", Answer("sex", "sensitive", "", ""), STEWARD),
    }
    book.stops = True
    with pytest.raises(KeyboardInterrupt):
        acts[act]()
    book.stops = False
    desk.turn()
    assert not book.told, "whoever decided may still be at work"
    later = _desk(state, book, published, lambda: AT + timedelta(hours=1))
    later.turn()
    later.turn()
    (told,) = book.told
    said = {"override": "asked", "confirm": "given", "decline": "declined", "answer": "confirmed"}.get(act, act)
    assert told["act"].endswith(said)
    if act != "answer":
        assert told["decision"] == desk.decisions("ballots")[0].id
        assert told["verdict"] == held.mark


def test_what_is_on_record_is_not_told_again(state: State) -> None:
    book = Book()
    desk = _desk(state, book, [])
    held = _held(desk)
    book.stops = True
    with pytest.raises(KeyboardInterrupt):
        desk.approve(held.id, STEWARD, WHY)
    (note,) = state.saved(NOTE)
    book.told.append({"request": note.id})  # it was killed after this, before it could strike out its note
    book.stops = False
    _desk(state, book, [], lambda: AT + timedelta(hours=1)).turn()
    assert len(book.told) == 1
    assert not state.saved(NOTE)


CUT = """\
import os, sys
from arengo.city import open_city
from arengo.governance import Caller
from arengo.ledger import Ledger
from arengo.publish import exposure
from arengo.lake import maintenance

act, where, root = sys.argv[1:]
steward = Caller(party="lucia", organisation="participation", roles=(("participation", "steward"),))
city = open_city(root)
if where == "record":
    Ledger.tell = lambda *given, **facts: os._exit(9)
elif where == "publish":
    city.publisher.publish = lambda *given, **more: os._exit(9)
elif where == "drop":
    drop = maintenance.drop
    def dropped(*given):
        drop(*given)
        os._exit(9)
    maintenance.drop = dropped
if act == "repair":
    held = city.desk.latest("ballots")
    city.desk.repair(held.id, held.verdict.repairs[0].id, steward, "The finest that is safe.")
    city.background.wait(200)
else:
    city.desk.withdraw("ballots", [1], steward, "It told single days of birth.")
"""


def _cut(city: City, act: str, where: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CUT, act, where, str(city.settings.root)], capture_output=True, check=False
    )
    assert done.returncode == 9, done.stderr.decode()


def _acts(city: City, act: str) -> list[Any]:
    held = city.ledger.entries(before=city.ledger.size, limit=200, kind="administration", dataset="ballots")
    return [entry for entry in held if entry.facts.get("action") == act]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["record", "publish"])
def test_a_repair_cut_off_by_a_kill_is_on_record_and_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with _city(tmp_path / "city", 1500) as city:
        _write(tmp_path / "city", "ballots", _born(), SEX)
        city.apply()
        (run,) = city.publish(["register"])
        assert run.state == "succeeded", run.error
        assert city.publish(["ballots"])[0].state == "refused"
        _cut(city, "repair", where)
    monkeypatch.setattr(gate, "AFTER", timedelta(0))
    with open_city(tmp_path / "city") as city:
        city.turn()
        city.turn()
        assert len(_acts(city, "gate-repair")) == 1
        (decision,) = city.desk.decisions("ballots")
        assert decision.state == "given"
        assert city.state.contracts()["ballots"].version != "1.0.0"
        assert not city.versions("ballots")
        now, last = datetime.now(UTC) + timedelta(minutes=2), {run.dataset: run for run in city.publisher.runs()}
        assert decided(city.state, last, now) == {"ballots"}
        (run,) = city.publisher.publish([city.catalogue.entry("ballots").contract], trigger="schedule")
        assert run.state == "succeeded", run.error
        assert not decided(city.state, {"ballots": run}, now)


@pytest.mark.slow
def test_a_withdrawal_cut_off_by_a_kill_is_finished_and_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from arengo.privacy.releases import Releases

    with _city(tmp_path / "city", 1500) as city:
        for dataset, step in (("register", "year"), ("ballots", "year"), ("ballots", "decade")):
            _write(tmp_path / "city", "ballots", _born(step), custom=SUPPRESS)
            city.apply()
            (run,) = city.publish([dataset])
            assert run.state == "succeeded", run.error
        _cut(city, "withdraw", "drop")
    monkeypatch.setattr(gate, "AFTER", timedelta(0))
    with open_city(tmp_path / "city") as city:
        assert [item.number for item in city.versions("ballots")] == [2]
        city.turn()
        city.turn()
        assert len(_acts(city, "gate-withdraw")) == 1
        held = Releases(city.settings, city.state, city.lake).of_dataset("ballots")
        assert {item.number: item.withdrawn for item in held} == {1: True, 2: False}


SUPPRESS = "  - {property: arengoProtection, value: {suppress: {below: 5}}}"
