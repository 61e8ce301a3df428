"""The door: decisions, views, caching, and that a running server sees what others publish."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tiny_city import AREAS, CLOSED, SQUARES, TREES, TinyCity, apply, make_city, open_tiny, tree

from arengo.catalogue import Catalogue
from arengo.contract import loads
from arengo.door import ANYONE, Caller, Door
from arengo.door.cache import Cache
from arengo.door.decision import OpenJudge
from arengo.errors import BadQuery, NotAllowed, TooExpensive, UnknownDataset, UnknownVersion
from arengo.lake import Lake
from arengo.query import Aggregate, Group, Order, Query, parse_text
from arengo.state import open_state


def test_open_is_granted_and_closed_is_refused_with_who_decides(tiny: TinyCity) -> None:
    granted = tiny.door.decide("trees")
    assert granted.allowed
    assert "open" in granted.reason
    with pytest.raises(NotAllowed) as caught:
        tiny.door.ask(Query("families"))
    assert "arengoAccess closed" in caught.value.met
    with pytest.raises(NotAllowed):
        tiny.door.ask(Query("families", cursor="abc"))
    assert "Registry office decides" in caught.value.todo
    for call in (tiny.door.versions, tiny.door.profile, tiny.door.quality, tiny.door.view):
        with pytest.raises(NotAllowed):
            call("families")
    with pytest.raises(NotAllowed):
        tiny.door.history("families", ["p1"])


def test_hidden_columns_are_never_granted(tiny: TinyCity) -> None:
    for dataset in ("trees", "areas"):
        view = tiny.door.view(dataset)
        assert not [item.name for item in view.columns if item.name.startswith("_")]
        assert [item.name for item in tiny.door.ask(Query(dataset)).columns] == [item.name for item in view.columns]
    contract = loads(TREES)
    assert OpenJudge().decide(contract, ("id", "_row"), ANYONE).columns == {"id"}


def test_the_fingerprint_follows_grants_and_access_and_is_the_same_for_everybody() -> None:
    contract, closed = loads(TREES), loads(CLOSED)
    decide = OpenJudge().decide
    marks = {
        decide(contract, ("id",), ANYONE).fingerprint,
        decide(contract, ("id", "name"), ANYONE).fingerprint,
        decide(closed, ("id",), ANYONE).fingerprint,
    }
    assert len(marks) == 3
    assert decide(contract, ("id",), ANYONE).fingerprint == decide(contract, ("id", "_row"), ANYONE).fingerprint
    assert decide(contract, ("id",), Caller(party="x")).fingerprint == decide(contract, ("id",), ANYONE).fingerprint


def test_an_answer_costs_nothing_before_it_is_read(tiny: TinyCity) -> None:
    one, same = tiny.door.ask(Query("trees", limit=3)), tiny.door.ask(Query("trees", limit=3))
    assert one.etag == same.etag != tiny.door.ask(Query("trees", limit=4)).etag
    assert one.tag("json") != one.tag("csv")
    assert one.etag != tiny.door.ask(Query("trees", limit=3, as_of="1")).etag
    calls: list[int] = []

    def make(answer: Any) -> bytes:
        calls.append(1)
        return repr(answer.rows()).encode()

    first, second = one.encoded("t", make), same.encoded("t", make)
    assert first == second
    assert len(calls) == 1
    assert first.next_cursor


def test_pages_give_every_row_once(tiny: TinyCity) -> None:
    for order in ((), (Order("height", True),), (Order("species"), Order("planted", True))):
        query = Query("trees", order_by=order, limit=33, select=("id",))
        whole = [row[0] for row in tiny.door.ask(Query("trees", order_by=order, limit=None, select=("id",))).rows()]
        pages: list[int] = []
        cursor = ""
        while True:
            answer = tiny.door.ask(Query(**{**_fields(query), "cursor": cursor}))
            pages += [row[0] for row in answer.rows()]
            cursor = answer.next_cursor
            if not cursor:
                break
        assert pages == whole
        assert len(set(pages)) == 200


def _fields(query: Query) -> dict[str, Any]:
    return {name: getattr(query, name) for name in query.__slots__}


def test_batches_are_the_rows(tiny: TinyCity) -> None:
    for dataset in ("trees", "areas"):
        answer = tiny.door.ask(Query(dataset, limit=None))
        rows = [tuple(row.values()) for batch in answer.batches(rows=16) for row in batch.to_pylist()]
        assert rows == answer.rows()


def test_a_row_by_its_key(tiny: TinyCity) -> None:
    answer = tiny.door.ask(Query("areas", filter=parse_text("code = 'B'"), select=("name",)))
    assert answer.rows() == [("Beta",)]
    assert answer.plan.row == ("B",)


def test_histories_and_changes(tiny: TinyCity) -> None:
    past = tiny.door.history("trees", ["3"])
    assert [item.row is None for item in past] == [False, True]
    assert tiny.door.diff("trees", "1", "2").changed == 1
    found = tiny.door.changes("trees", "2026-01-31")
    assert [(item.kind, item.key) for item in found] == [("changed", (1,)), ("removed", (3,)), ("added", (201,))]
    with pytest.raises(BadQuery, match="2 values"):
        tiny.door.history("trees", ["1", "2"])


def test_unknown_things(tiny: TinyCity) -> None:
    with pytest.raises(UnknownDataset, match="trees"):
        tiny.door.ask(Query("treees"))
    with pytest.raises(UnknownVersion):
        tiny.door.ask(Query("trees", as_of="7"))


def test_a_query_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    city = open_tiny(tmp_path, request_seconds=0.02)
    try:
        city.publish(loads(TREES), [tree(number) for number in range(1, 4000)], datetime(2026, 1, 1, tzinfo=UTC))
        wide = tuple(Aggregate("distinct", name) for name in ("id", "code", "notes", "tags", "lon", "height"))
        like = " OR ".join(f"accenti(casei(notes)) LIKE '%{'a_%' * 8}{i}%'" for i in range(190))
        query = Query("trees", filter=parse_text(like), group_by=(Group("id"),), aggregates=wide, limit=10)
        with pytest.raises(TooExpensive, match="stopped"):
            city.door.ask(query).rows()
    finally:
        city.close()


def test_another_process_publishes_and_the_next_request_sees_it(tmp_path: Path) -> None:
    city = make_city(tmp_path, trees=20)
    state = open_state(city.settings.state_url)  # as a second process would
    lake = Lake(city.settings, state)
    catalogue = Catalogue(state, lake)
    reader = Door(city.settings, catalogue, lake)
    try:
        assert reader.ask(Query("trees")).view.version.number == 2
        etag = reader.ask(Query("trees")).etag
        city.publish(loads(TREES), [tree(1)], datetime(2026, 3, 1, tzinfo=UTC))
        assert reader.ask(Query("trees")).view.version.number == 3
        assert reader.ask(Query("trees")).etag != etag
        assert reader.ask(Query("trees", as_of="2")).etag == etag
        assert catalogue.entry("trees").versions == 3
        apply(city.state, loads(TREES.replace("arengoAccess, value: open", "arengoAccess, value: closed")))
        with pytest.raises(NotAllowed):  # old versions too
            reader.ask(Query("trees", as_of="1"))
        apply(city.state, loads(AREAS.replace("id: areas", "id: new-areas")))
        assert catalogue.entry("new-areas").version is None
        with pytest.raises(UnknownVersion, match="not been published"):
            reader.view("new-areas")
    finally:
        lake.close()
        state.close()
        city.close()


def test_an_old_version_is_read_with_its_own_contract(tmp_path: Path) -> None:
    city = open_tiny(tmp_path)
    try:
        city.publish(loads(AREAS), SQUARES, datetime(2026, 1, 1, tzinfo=UTC))
        newer = AREAS.replace("version: 1.0.0", "version: 1.1.0").replace("name: Areas", "name: Quarters")
        city.publish(loads(newer), SQUARES[:2], datetime(2026, 2, 1, tzinfo=UTC))
        assert city.door.view("areas", "1").contract.title() == "Areas"
        assert city.door.view("areas").contract.title() == "Quarters"
    finally:
        city.close()


@pytest.mark.slow
def test_clustered_copies_give_the_same_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arengo.lake.serving.CLUSTER_FROM", 1)
    city = open_tiny(tmp_path)
    groups = "[[district, -height], [species, planted, code]]"
    contract = loads(TREES + f"  - {{property: arengoFilters, value: {groups}}}\n")
    try:
        version = city.publish(contract, [tree(number) for number in range(1, 300)], datetime(2026, 1, 1, tzinfo=UTC))
        assert version is not None
        queries = [
            Query("trees", filter=parse_text(text), order_by=order, limit=7, search=words)
            for text in ("", "district = 'Nord'", "species = 'Tilia' AND id > 20", "species IN ('Tilia', 'Platanus')")
            for order in (
                (),
                (Order("height", True),),
                (Order("planted"), Order("code")),
                (Order("district"), Order("height", True)),
            )
            for words in ("", "lime tree")
        ]
        plain = [_pages(city.door, query) for query in queries]
        assert city.lake.prepare(version)
        used: set[str] = set()
        for query, wanted in zip(queries, plain, strict=True):
            used.add(city.lake.relation(version, city.door.ask(query)._access()).layout)
            assert _pages(city.door, query) == wanted, query
        assert used >= {"main", "by1", "by2"}
        one = city.door.ask(Query("trees", filter=parse_text("id = 17")))
        assert one.rows()[0][0] == 17
    finally:
        city.close()


def _pages(door: Door, query: Query) -> list[tuple[Any, ...]]:
    """All rows, through the cursors."""
    out: list[tuple[Any, ...]] = []
    while True:
        answer = door.ask(query)
        out += answer.rows()
        if not answer.next_cursor:
            return out
        query = replace(query, cursor=answer.next_cursor)


class _Text:
    def __init__(self, size: int) -> None:
        self.size = size


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    cache: Cache[_Text] = Cache(10_000)
    for number in range(10):
        cache.put(b"%d" % number, _Text(1500))
        cache.get(b"0")
    assert cache.bytes <= 10_000
    assert cache.get(b"0") is not None
    assert cache.get(b"1") is None
    cache.put(b"big", _Text(9000))
    assert cache.get(b"big") is None
