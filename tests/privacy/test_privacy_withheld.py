"""Values of columns that are dropped before they are stored stand in no public answer and in no kept file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from arengo.city import City, init, open_city
from arengo.contract import lint, loads
from arengo.contract.withheld import public_text
from arengo.quality.quarantine import Quarantine, blank

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

TAX, SALARY, NAME = "RSSNNA80A41H501U", 987_659, "Zulmira Quattrocchi"
DROP = "customProperties: [{{property: arengoPrivacyRole, value: {role}}}, {{property: arengoProtect, value: [drop]}}]"
QUASI = "customProperties: [{property: arengoPrivacyRole, value: quasi}, {property: arengoPrivacyConcept, value: age}]"
SQL = (
    "{type: sql, query: 'SELECT max(salary) FROM people', mustBeGreaterThan: 1, severity: warning, name: top}",
    "{type: sql, query: 'SELECT max(salary) FROM people', mustBeLessThan: 1, severity: warning, name: low}",
    "{type: sql, query: 'SELECT max(CAST(who AS INTEGER)) FROM people', mustBe: 1, severity: warning, name: cast}",
)
VALID = "{type: library, metric: invalidValues, mustBe: 0, arguments: {validValues: [%d]}, severity: warning, name: v}"
CONTRACT = f"""\
apiVersion: v3.1.0
kind: DataContract
id: people
name: People
version: 1.0.0
status: active
schema:
  - name: people
    quality: [{", ".join(SQL)}]
    properties:
      - {{name: id, logicalType: integer, primaryKey: true}}
      - {{name: taxcode, logicalType: string, logicalTypeOptions: {{pattern: '^[A-Z0-9]{{16}}$'}}, \
{DROP.format(role="identifier")}}}
      - {{name: who, logicalType: string, {DROP.format(role="identifier")}}}
      - {{name: salary, logicalType: integer, {DROP.format(role="sensitive")}, quality: [{VALID % 5000}]}}
      - {{name: age, logicalType: integer, {QUASI}}}
customProperties:
  - {{property: arengoAccess, value: open}}
  - {{property: arengoPopulation, value: residents}}
  - {{property: arengoProtection, value: {{shuffle: true}}}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/people.csv}}}}
"""
SECRETS = (TAX.encode(), str(SALARY).encode(), f"{SALARY:,}".encode(), NAME.encode(), b"X-ANNA")
AT = "/api/v1/datasets/people"
PATHS = (
    "/api/v1/datasets", AT, *(f"{AT}/{part}" for part in (
        "rows", "rows?search=RSSNNA", "facets?columns=age", "versions", "versions/1", "changes?from=1", "profile",
        "quality", "contract", "history?key=1", "export.csv", "export.ndjson", "export.parquet", "openapi.json",
        "rows?order_by=salary", "rows?select=taxcode", "suggest?column=taxcode&q=R", "values?column=taxcode",
    )),
    "/datasets/people", *(f"/datasets/people/{part}" for part in (
        "columns", "quality", "versions", "api", "table", "privacy", "croissant.json", "quarantine.csv", "contract",
        "sample", "sample.csv", "terms", "charts",
    )),
    "/runs", "/search?q=Zulmira", "/store/people", "/api/3/action/package_show?id=people",
    "/api/3/action/datastore_search?resource_id=people&q=RSSNNA", "/api/3/action/datastore_info?id=people",
    "/catalog.ttl", "/catalog.jsonld", "/catalog/quality.ttl", "/feeds/datasets/people/changes.atom",
    "/feeds/changes.atom", "/sitemap.xml", "/iceberg/v1/namespaces/arengo/tables/people", "/ogc/collections/people",
    "/api/v1/openapi.json", "/api/v1/sql/tables",
    "/api/v1/sql?q=SELECT%20max(salary)%20FROM%20people", "/api/v1/sql?q=SELECT%20*%20FROM%20people",
)  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    root = tmp_path_factory.mktemp("withheld") / "city"
    init(root, name="Small")
    (root / "privacy.toml").write_text('[populations.residents]\nunit = "person"\n', encoding="utf-8")
    (root / "contracts/people.odcs.yaml").write_text(CONTRACT, encoding="utf-8")
    rows = [f"{n},{TAX},{NAME},{SALARY - n},{20 + n % 3}" for n in range(60)]
    rows += [f"77,X-ANNA,{NAME},{SALARY},20", f"78,{TAX},{NAME},abc,xx-{TAX}", f"5,{TAX},{NAME},{SALARY},21"]
    rows += [f"79,{TAX},{NAME},{SALARY}", f"80,{TAX},it's {NAME}' x,1,20,{TAX}"]
    (root / "sources/people.csv").write_text("id,taxcode,who,salary,age\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with open_city(root) as city:
        (run,) = city.publish(["people"])
        assert run.state == "succeeded", run.error
        yield city


def _texts(path: Path) -> Iterator[bytes]:
    """All a file says: its bytes, and what they hold compressed."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield repr(pq.read_table(path).to_pylist()).encode()


def test_no_kept_file_holds_a_dropped_value(town: City) -> None:
    home = town.settings.home
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name == "quarantine.parquet" for path in files)
    hits = {(str(path.relative_to(home)), word) for path in files for text in _texts(path) for word in SECRETS
            if word in text}  # fmt: skip
    assert not hits


def test_no_public_answer_holds_a_dropped_value(town: City, monkeypatch: pytest.MonkeyPatch) -> None:
    from arengo.app import create

    monkeypatch.setenv("ARENGO_CITY", str(town.settings.root))
    with TestClient(create(), raise_server_exceptions=False, headers={"accept-encoding": "identity"}) as client:
        answered = 0
        run = town.state.runs("people", limit=1)[0].id
        for path in (*PATHS, f"/runs/{run}"):
            answer = client.get(path)
            asked = [word for word in SECRETS if word.decode().lower() in path.lower()]
            assert not [word for word in SECRETS if word in answer.content and word not in asked], path
            assert answer.status_code < 500, path
            answered += answer.status_code == 200
        assert answered > 25
        report = client.get(f"{AT}/quality").json()
    told = {rule["name"]: rule for rule in report["rules"]}
    assert told["top"]["passed"] is True
    assert told["low"]["passed"] is False
    assert all(rule["value"] is None and rule["failed_rows"] is None for rule in told.values())
    assert report["rows"] == 60


def test_the_quarantine_keeps_where_and_why(town: City) -> None:
    path = town.lake.quarantine(town.lake.resolve("people"))
    assert path is not None
    lines = pq.read_table(path).to_pylist()
    assert {line["row"] for line in lines} >= {62, 63}
    assert all(line["value"] is None and line["reason"] for line in lines)
    assert any("whole number" in line["reason"] for line in lines if line["column"] == "salary")


def test_a_reason_without_what_it_quotes(tmp_path: Path) -> None:
    long, cut, odd = "Anna " * 40, ("Anna " * 40)[:77] + "...", "it's Anna' b"
    with Quarantine(tmp_path / "q.parquet") as aside:
        aside.lines([("f", 1, "a", odd, f"{odd!r} is not a date."),
                     ("f", 2, "a", long, f"{cut!r} is not a date."),
                     ("f", 3, "a", long, f"The value {long!r} is already used by row 1."),
                     ("f", 4, "a", "Anna", "Strange: Anna"), ("f", 5, "a", None, "The value is missing.")])  # fmt: skip
    lines = pq.read_table(blank(tmp_path / "q.parquet", tmp_path / "b.parquet")).to_pylist()
    assert [line["reason"] for line in lines] == [
        "… is not a date.", "… is not a date.", "The value … is already used by row 1.", "The value does not fit.",
        "The value is missing.",
    ]  # fmt: skip


def test_examples_of_a_protected_column_are_wrong() -> None:
    for role in ("identifier", "sensitive"):
        text = CONTRACT.replace("name: taxcode,", f"name: taxcode, examples: [{TAX}],").replace("identifier", role)
        assert "personal-examples" in {item.code for item in lint(text)}
    assert "personal-examples" not in {item.code for item in lint(CONTRACT.replace("name: age,", "name: age, "
                                                                                   "examples: [20],"))}  # fmt: skip


def test_the_public_text_leaves_the_literals_of_protected_columns_out() -> None:
    text = CONTRACT.replace("name: taxcode,", f"name: taxcode, examples: [{TAX}],  # {TAX}\n       ")
    text = text.replace("name: age,", "name: age, examples: [20],")
    shown = public_text(loads(text))
    assert TAX in text
    assert TAX not in shown
    assert "5000" not in shown
    assert "max(salary)" not in shown
    assert [item.name for item in loads(shown).as_read().properties] == ["id", "taxcode", "who", "salary", "age"]
    assert loads(shown).column("age").examples == (20,)  # type: ignore[union-attr]
    plain = text.replace(", {property: arengoProtect, value: [drop]}", "").replace("value: identifier", "value: quasi")
    plain = plain.replace("value: sensitive", "value: quasi")
    plain = plain.replace("  - {property: arengoProtection, value: {shuffle: true}}\n", "")
    assert public_text(loads(plain)) == plain
