"""Non-interference: two cities that differ only in what is withheld answer every request with the same bytes.

Whatever a policy grants, whatever is asked through whichever face: status, headers, ETags, counts, errors and bodies
may be a function of the granted values alone.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "door"))

from grant_city import COLUMNS, READER, Rule, make, pupil

from arengo import faces
from arengo.door import ANYONE, Caller
from arengo.governance import Mask

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

KEY = {"x-api-key": "reader"}
PATHS = (
    "/api/v1/datasets",
    "/api/v1/datasets/pupils",
    "/api/v1/datasets/pupils/rows",
    "/api/v1/datasets/pupils/rows?limit=3",
    "/api/v1/datasets/pupils/rows?limit=4&count=true&order_by=-school",
    "/api/v1/datasets/pupils/rows?f=geojson",
    "/api/v1/datasets/pupils/rows?search=maths",
    "/api/v1/datasets/pupils/rows?bbox=9,45,9.01,45.01",
    "/api/v1/datasets/pupils/rows?datetime=2011-01-01/2014-01-01",
    "/api/v1/datasets/pupils/rows?as_of=1&limit=2",
    "/api/v1/datasets/pupils/rows?aggregate=count&group_by=school",
    "/api/v1/datasets/pupils/rows?aggregate=max:income",
    "/api/v1/datasets/pupils/rows?aggregate=avg:marks,distinct:born",
    "/api/v1/datasets/pupils/rows?filter=" + quote("income > 5000"),
    "/api/v1/datasets/pupils/rows?filter=" + quote("marks >= 3 AND school IS NOT NULL"),
    "/api/v1/datasets/pupils/rows?order_by=income",
    "/api/v1/datasets/pupils/rows?select=note",
    "/api/v1/datasets/pupils/history?key=p003",
    "/api/v1/datasets/pupils/history?key=p999",
    "/api/v1/datasets/pupils/contract",
    "/datasets/pupils/croissant.json",
    "/api/v1/datasets/pupils/facets?columns=school,marks",
    "/api/v1/datasets/pupils/versions",
    "/api/v1/datasets/pupils/versions/1",
    "/api/v1/datasets/pupils/changes?from=1",
    "/api/v1/datasets/pupils/profile",
    "/api/v1/datasets/pupils/quality",
    "/api/v1/datasets/pupils/export.csv",
    "/api/v1/datasets/pupils/export.ndjson",
    "/api/v1/datasets/pupils/export.parquet",
    "/api/v1/datasets/pupils/export.geojson",
    "/api/v1/sql/tables",
    "/api/3/action/package_show?id=pupils",
    "/api/3/action/datastore_search?resource_id=pupils&limit=5&include_total=true",
    "/api/3/action/datastore_search?resource_id=pupils&offset=2&limit=2&sort=marks%20desc",
    "/api/3/action/datastore_search?resource_id=pupils&q=maths",
    "/api/3/action/datastore_info?id=pupils",
    "/datastore/dump/pupils?format=json",
    "/catalog.ttl",
    "/feeds/datasets/pupils/changes.atom",
    "/feeds/changes.atom",
    "/sitemap.xml",
    "/iceberg/v1/namespaces/arengo/tables",
    "/iceberg/v1/namespaces/arengo/tables/pupils",
    "/ogc/collections/pupils/items",
)
SQL = (
    "SELECT * FROM pupils ORDER BY ALL",
    "SELECT count(*), max(marks) FROM pupils",
    "SELECT income FROM pupils",
    "SELECT * FROM pupils WHERE income > 3",
    "SELECT school, count(*) FROM pupils GROUP BY ALL ORDER BY ALL",
)
ALIKE: dict[str, tuple[Mask, Any]] = {
    # a mask, and how a value may change under it without being seen
    "born": (Mask("generalise", "year"), lambda text, n: f"{text[:4]}-0{1 + n % 9}-2{n % 9}"),
    "marks": (Mask("top", "4"), lambda mark, n: mark if mark < 4 else 4 + n % 3),
    "income": (Mask("round", "1000000"), lambda income, n: float(n)),
    "note": (Mask("hide"), lambda note, n: f"SECRET{n}"),
    "school": (Mask("truncate", "2"), lambda school, n: None if school is None else f"{school[:2]}{n}"),
}


class Keys:
    """Whoever shows the key."""

    def of(self, request: Any) -> Caller:
        return READER if request.headers.get("x-api-key") == "reader" else ANYONE


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Rule, list[list[dict[str, Any]]], list[list[dict[str, Any]]]]:
    """A rule, and two histories (two versions each) that are the same under it."""
    masks = {name: ALIKE[name][0] for name in draw(st.sets(st.sampled_from(sorted(ALIKE)), max_size=3))}
    granted = draw(st.sets(st.sampled_from(COLUMNS), min_size=1)) | set(masks)
    filtered = "marks" not in masks and draw(st.booleans())
    rule = Rule(sorted(granted), ["marks < 5"] if filtered else [], masks)
    noise = st.integers(0, 400)
    first, second = [], []
    for version in range(2):
        one = [pupil(number) for number in range(draw(st.integers(1, 14)))] + [pupil(28)] * version
        other = []
        for row in one:
            kept = dict(row)
            for name in COLUMNS:
                if name in masks:
                    n = draw(noise)
                    kept[name] = ALIKE[name][1](row[name], n)
                elif name == "pupil" or (n := draw(noise)) < 0:
                    continue  # the key stays a key
                elif name == "marks" and filtered and name not in granted:
                    kept[name] = n % 5 if row[name] < 5 else 5 + n % 9
                elif name not in granted:
                    kept[name] = {"born": f"19{10 + n % 80}-01-01", "marks": n, "income": float(n)}.get(
                        name, f"SECRET{n}" if name in ("school", "note") else float(n % 90)
                    )
            other.append(kept)
        if "pupil" not in granted:  # who it is may differ, and in which order they stand
            other = [
                {**row, "pupil": f"q{draw(noise):03d}{at:02d}"} for at, row in enumerate(draw(st.permutations(other)))
            ]
        if filtered:
            one = [row for row in one if row["marks"] < 5 or draw(st.booleans())]
            other = [row for row in other if row["marks"] < 5 or draw(st.booleans())]
        first.append(one)
        second.append(other)
    return rule, first, second


@contextmanager
def served(rule: Rule, history: list[list[dict[str, Any]]]) -> Iterator[TestClient]:
    with tempfile.TemporaryDirectory() as folder:
        city = make(Path(folder), history[0], rule, *history[1:])
        app = faces.application(city.door, city.catalogue, city.settings, Keys())
        try:
            with TestClient(app, headers={"accept-encoding": "identity"}) as client:
                yield client
        finally:
            city.door.close()
            city.close()


def heard(client: TestClient, path: str, **more: Any) -> tuple[Any, ...]:
    """All that a reader gets to know from one request."""
    answer = client.get(path, headers={**KEY, **more})
    kept = {name: value for name, value in answer.headers.items() if name not in ("date", "arengo-question")}
    if path.startswith(("/api/v1/sql", "/api/3/action/datastore_search_sql")):
        kept = {name: value for name, value in kept.items() if "took" not in name and name != "server-timing"}
    return answer.status_code, kept, _steady(answer.content)


def _steady(body: bytes) -> bytes:
    """Without what is of the moment: ids of questions and milliseconds."""
    import re

    return re.sub(rb'"(took|ms|seconds|elapsed[a-z_]*|id|question|instance)":\s*("[^"]*"|[0-9.]+)', b"", body)


@pytest.mark.slow
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(worlds())
def test_nothing_withheld_can_be_told_from_any_answer(drawn: Any) -> None:
    _compare(*drawn)


def test_nothing_withheld_can_be_told_from_the_answers_of_one_city() -> None:
    rule = Rule(["pupil", "school", "marks"], ["marks < 5"], {"school": Mask("truncate", "2")})
    one = [pupil(number) for number in range(30)]
    other = [
        {
            **row,
            "income": 5.0 - at,
            "note": "SECRET",
            "born": "1950-01-01",
            "school": row["school"] and row["school"][:2],
        }
        for at, row in enumerate(one)
        if row["marks"] < 5
    ]
    _compare(rule, [one, one[:-2]], [other, [row for row in other if row["pupil"] < "p028"]])


def _compare(rule: Rule, one: Any, other: Any) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(served(rule, history)) for history in (one, other)]
        paths = [*PATHS, *(f"/api/v1/sql?q={quote(sql)}" for sql in SQL)]
        paths += [f"/api/3/action/datastore_search_sql?sql={quote(sql)}" for sql in SQL[1:3]]
        answered = 0
        for path in paths:
            first, second = (heard(client, path) for client in clients)
            if path.endswith("/tables/pupils") and first[0] == second[0] == 200:
                assert rule.columns == set(COLUMNS), rule  # the files themselves: only for who may read all of it
                assert not rule.rows, rule
                assert not rule.masks, rule
                continue
            assert first == second, (path, rule)
            assert b"SECRET" not in second[2], path
            answered += first[0] == 200
            if "etag" in first[1]:
                again = [heard(client, path, **{"if-none-match": first[1]["etag"]}) for client in clients]
                assert again[0] == again[1], path
        assert answered > 10
        for path in PATHS:  # and whoever has no key learns no more
            answers = [client.get(path) for client in clients]
            assert _steady(answers[0].content) == _steady(answers[1].content), path
            assert b"p003" not in answers[0].content, path
