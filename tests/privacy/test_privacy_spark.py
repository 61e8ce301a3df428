"""The group-by and the transformation give the same on Spark Connect as on DuckDB.

Spark's client lives in a Python of its own: ``.venv-spark``, which ``scripts/spark.sh`` makes, or the one named by
``ARENGO_SPARK_PYTHON`` (``pysail`` and ``pyspark[connect]<4.1``).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import duckdb
import pytest

from arengo.contract.model import Kind
from arengo.errors import PolicyError
from arengo.privacy import hierarchy
from arengo.privacy.hierarchy import BUILT_IN, Ladder
from arengo.privacy.hierarchy.builders import Groups
from arengo.privacy.spark import grouped, spark_sql

SCRIPT = """
import json, sys
from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession
import pyarrow as pa
told = json.loads(open(sys.argv[1]).read())
server = SparkConnectServer(ip="127.0.0.1", port=0)
server.start(background=True)
ip, port = server.listening_address
spark = SparkSession.builder.remote(f"sc://{ip}:{port}").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
spark.read.parquet(told["table"]).createOrReplaceTempView("people")
out = []
for text in told["statements"]:
    rows = spark.sql(text).toArrow().to_pylist()
    out.append([[None if value is None else str(value) for value in row.values()] for row in rows])
open(sys.argv[2], "w").write(json.dumps(out))
"""


def ladders() -> list[tuple[Ladder, str, Kind]]:
    bounded = hierarchy.read("age", 'kind = "intervals"\nwidths = [5, 10]\nlower = 15\nupper = 85')
    masked = hierarchy.read("post", 'kind = "mask"\nkeep = [3, 1]')
    coded = hierarchy.read("code", 'kind = "prefix"\nlengths = [4, 2]')
    few = Groups("few", ("ward",), {f"s{at}": (f"w'{at // 3}",) for at in range(9)})
    many = Groups("many", ("ward",), {f"s{at}": (f"w{at // 3}",) for at in range(400)})
    odd = ("", "'", "\\", "\n", ".*", "\\Q", "ü", '"', "$1")
    long = Groups("long", ("ward",), {f"s{at}": (f"w{at // 3}{odd[at // 3 % len(odd)]}",) for at in range(3_000)})
    made = [
        (BUILT_IN["numbers"], "age", Kind.INTEGER), (bounded, "age", Kind.INTEGER),
        (BUILT_IN["dates"], "born", Kind.DATE),
        (BUILT_IN["characters"], "post", Kind.STRING), (masked, "post", Kind.STRING), (coded, "nace", Kind.STRING),
        (few, "section", Kind.STRING), (many, "section", Kind.STRING),
        (long, "section", Kind.STRING), (BUILT_IN["numbers"], "income", Kind.NUMBER),
        (BUILT_IN["dates"], "said", Kind.STRING), (BUILT_IN["all"], "section", Kind.STRING),
    ]  # fmt: skip
    return [(ladder, column, kind) for ladder, column, kind in made if isinstance(ladder, Ladder)]


def statements() -> list[str]:
    out = [grouped("people", ["age", "post", "section"]), grouped("people", ["born", "nace"])]
    for ladder, column, kind in ladders():
        for level in ladder.levels:
            sql = ladder.sql(level, f'"{column}"', kind)
            told = f'SELECT {sql} AS "told" FROM people'
            out.append(f'SELECT "told", count(*) AS "n" FROM ({told}) AS "t" GROUP BY "told"')
    return out


def test_every_level_can_be_said_in_sparks_sql() -> None:
    for statement in statements():
        assert "people" in spark_sql(statement)


def test_what_spark_cannot_say_is_refused() -> None:
    with pytest.raises(PolicyError, match="Spark"):
        spark_sql("SELECT FROM WHERE (")


@pytest.mark.slow
def test_duckdb_and_spark_give_the_same(tmp_path: Path) -> None:
    made = Path(__file__).resolve().parents[2] / ".venv-spark"
    python = os.environ.get("ARENGO_SPARK_PYTHON", "") or str(made / "bin" / "python")
    if not Path(python).is_file() or ("ARENGO_SPARK_PYTHON" not in os.environ and not (made / ".stamp").is_file()):
        pytest.skip("Sail is not installed beside: run 'sh scripts/spark.sh'")
    table = tmp_path / "people.parquet"
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(
            "COPY (SELECT nullif(CAST(hash(r) % 100 AS BIGINT), 7) AS age, "
            "DATE '1931-03-01' + CAST(hash(r + 1) % 30000 AS INTEGER) AS born, "
            "lpad(CAST(hash(r + 2) % 99999 AS VARCHAR), 5, '0') AS post, 's' || (hash(r + 3) % 500) AS section, "
            "lpad(CAST(hash(r + 4) % 99 AS VARCHAR), 2, '0') || '.' || (hash(r + 5) % 99) AS nace, "
            "CAST(hash(r + 6) % 90000 AS DOUBLE) / 7 - 3000 AS income, "
            "CASE r % 5 WHEN 0 THEN 'unknown' WHEN 1 THEN '1987' WHEN 2 THEN '1987-05' ELSE '2001-02-03' END AS said "
            f"FROM range(20000) t(r)) TO '{table}' (FORMAT parquet)"
        )
        connection.execute(f"CREATE VIEW people AS SELECT * FROM read_parquet('{table}')")
        asked = statements()
        here = [
            [[None if value is None else str(value) for value in row] for row in connection.execute(item).fetchall()]
            for item in asked
        ]
    (tmp_path / "run.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "told.json").write_text(
        json.dumps({"table": str(table), "statements": [spark_sql(item) for item in asked]}), encoding="utf-8"
    )
    subprocess.run(
        [python, str(tmp_path / "run.py"), str(tmp_path / "told.json"), str(tmp_path / "out.json")],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    there = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    for statement, mine, theirs in zip(asked, here, there, strict=True):
        assert sorted(mine, key=str) == sorted(theirs, key=str), statement
