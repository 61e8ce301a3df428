"""What is asked: the requests of each work, the same for everybody, and how each product spells them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.civic import CATEGORIES, DISTRICTS, WORDS

TITLES = {
    "a": "CSV file to queryable",
    "b": "filtered page of 100 rows, newest first",
    "c": "count per district and month",
    "d": "1,000 features in a box and a month, GeoJSON",
    "f": "full CSV export",
    "g": "two words in the description, 100 rows",
    "h": "start to first answer, idle memory",
    "c2": "the count of c again (cache on)",
    "304": "repeated request with If-None-Match (cache on)",
}


def requests(work: str) -> list[tuple[Any, ...]]:
    """The abstract requests: (category, district), (box, from, to) or (word, word); deterministic."""
    dice = random.Random(7)
    if work == "b":
        pairs = [(category, district[0]) for category in CATEGORIES for district in DISTRICTS]
        dice.shuffle(pairs)
        return list(pairs)
    if work == "d":
        out: list[tuple[Any, ...]] = []
        for _ in range(120):
            _, _, lon, lat, _ = DISTRICTS[dice.randrange(10)]
            year, month = dice.randrange(2021, 2026), dice.randrange(1, 13)
            west, south = lon - 0.015, lat - 0.01
            box = f"{west:.4f},{south:.4f},{west + 0.03:.4f},{south + 0.02:.4f}"
            end = f"{year + (month == 12):04d}-{month % 12 + 1:02d}-01T00:00:00Z"
            out.append((box, f"{year:04d}-{month:02d}-01T00:00:00Z", end))
        return out
    if work == "g":
        words = sorted(set(WORDS))
        return [(dice.choice(words), dice.choice(words)) for _ in range(40)]
    return [()]


_COUNTS = "select district, {month} as month, count(*) as n from civic group by 1,2 order by 1,2"


def _box(box: str) -> dict[str, str]:
    return dict(zip(("west", "south", "east", "north"), box.split(","), strict=True))


def _datasette_box(box: str, start: str, end: str) -> str:
    edges = "lon__gte={west}&lat__gte={south}&lon__lte={east}&lat__lte={north}".format(**_box(box))
    times = f"created_at__gte={quote(start)}&created_at__lt={quote(end)}"
    return f"/civic/civic.json?_shape=objects&_size=1000&{edges}&{times}"


_ROWS = "/api/v1/datasets/civic/rows"
_LEAN = "&_nocount=1&_nofacet=1&_nosuggest=1"

PATHS: dict[str, dict[str, Callable[..., str]]] = {
    "arengo": {
        "b": lambda c, d: f"{_ROWS}?category={quote(c)}&district={quote(d)}&order_by=-created_at&limit=100",
        "c": lambda: f"{_ROWS}?group_by=district,created_at:month&aggregate=count&limit=1000",
        "d": lambda box, s, e: f"{_ROWS}?bbox={box}&datetime={s}/{e}&limit=1000&f=geojson",
        "f": lambda: "/api/v1/datasets/civic/export.csv",
        "g": lambda a, b: f"{_ROWS}?search={quote(a + ' ' + b)}&limit=100",
    },
    "datasette": {
        "b": lambda c, d: (
            f"/civic/civic.json?category={quote(c)}&district={quote(d)}&_sort_desc=created_at&_size=100&_shape=objects"
        ),
        "c": lambda: "/civic.json?_shape=objects&sql=" + quote(_COUNTS.format(month="substr(created_at,1,7)")),
        "d": _datasette_box,
        "f": lambda: "/civic/civic.csv?_stream=on&_size=max",
        "g": lambda a, b: f"/civic/civic.json?_search={quote(a + ' ' + b)}&_size=100&_shape=objects",
    },
    "roapi": {
        "b": lambda c, d: (
            f"/api/tables/civic?filter[category]='{quote(c)}'&filter[district]='{quote(d)}'&sort=-created_at&limit=100"
        ),
        "c": lambda: "/api/sql",
        "g": lambda a, b: "/api/sql",
    },
    "tipg": {
        "b": lambda c, d: (
            f"/collections/public.civic/items?category={quote(c)}&district={quote(d)}"
            "&sortby=-created_at&limit=100&f=json"
        ),
        "d": lambda box, s, e: f"/collections/public.civic/items?bbox={box}&datetime={s}/{e}&limit=1000&f=geojson",
        "f": lambda: "/collections/public.civic/items?f=csv&limit=10000000",
    },
    "pygeoapi": {
        "b": lambda c, d: (
            f"/collections/civic/items?category={quote(c)}&district={quote(d)}&sortby=-created_at&limit=100&f=json"
        ),
        "d": lambda box, s, e: f"/collections/civic/items?bbox={box}&datetime={s}/{e}&limit=1000&f=json",
    },
}
# Datasette without what its JSON computes beside the rows (count, facets, suggestions): its best case.
PATHS["datasette-lean"] = {
    work: (lambda spell: lambda *request: spell(*request) + _LEAN)(PATHS["datasette"][work]) for work in "bdg"
}


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request: path with query, and a body when it is a POST."""

    path: str
    body: str = ""


def calls(dialect: str, work: str) -> list[Call]:
    """The calls of a work in a product's dialect; empty when it has no way to answer."""
    spell = PATHS[dialect].get(work)
    if spell is None:
        return []
    return [Call(spell(*request), body) for request, body in zip(requests(work), _bodies(dialect, work), strict=True)]


def _bodies(dialect: str, work: str) -> Iterator[str]:
    for request in requests(work):
        if dialect != "roapi" or work not in "cg":
            yield ""
        elif work == "c":
            yield _COUNTS.format(month="date_trunc('month', created_at)")
        else:
            first, second = request
            yield f"select * from civic where description like '%{first}%' and description like '%{second}%' limit 100"


class Oracle:
    """How many rows a right answer holds, counted by DuckDB over the file itself."""

    def __init__(self, parquet: Path) -> None:
        import duckdb

        self._engine = duckdb.connect()
        self._engine.execute("SET TimeZone = 'UTC'; SET threads = 1")
        self._from = f"read_parquet('{str(parquet).replace(chr(39), chr(39) * 2)}')"

    def rows(self, work: str, request: tuple[Any, ...]) -> int | None:
        """None when products may rightly differ (word search: stemming, prefixes)."""
        if work == "b":
            where, values, limit = "category = ? AND district = ?", list(request), 100
        elif work == "c":
            sql = f"SELECT count(*) FROM (SELECT DISTINCT district, date_trunc('month', created_at) FROM {self._from})"
            return int(self._one(sql, []))
        elif work == "d":
            box, start, end = request
            west, south, east, north = (float(edge) for edge in box.split(","))
            where = "lon BETWEEN ? AND ? AND lat BETWEEN ? AND ? AND created_at BETWEEN ?::TIMESTAMP AND ?::TIMESTAMP"
            values, limit = [west, east, south, north, start.rstrip("Z"), end.rstrip("Z")], 1000
        else:
            return None
        return min(limit, int(self._one(f"SELECT count(*) FROM {self._from} WHERE {where}", values)))

    def _one(self, sql: str, values: list[Any]) -> Any:
        found = self._engine.execute(sql, values).fetchone()
        assert found is not None
        return found[0]
