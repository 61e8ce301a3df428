"""Columns about persons, leaks that need no second release, and what must not be taken for either."""

from __future__ import annotations

import hashlib
import random
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest
import stdnum.es.dni
import stdnum.it.codicefiscale
import stdnum.nl.bsn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arengo.contract.load import loads
from arengo.contract.model import Kind
from arengo.privacy import gate
from arengo.privacy.case import Case
from arengo.privacy.declared import release_of
from arengo.privacy.detect import checks, detect, domains, hashes, leaks, ranks, step, text
from arengo.privacy.finding import Report, worst
from arengo.privacy.release import Release, Target
from arengo.settings import CitySettings, Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BSN = [text for text in map(str, range(100_000_009, 100_004_000)) if stdnum.nl.bsn.is_valid(text)]
DNI = [f"{n:08d}" + stdnum.es.dni.calc_check_digit(f"{n:08d}") for n in range(40_000_000, 40_000_200)]


def contract(columns: Sequence[str], access: str = "open", more: str = "") -> Any:
    """``columns``: ``name:type`` and, after a ``|``, ``property=value`` pairs."""
    lines = []
    for item in columns:
        named, _, told = item.partition("|")
        name, _, kind = named.partition(":")
        lines.append(f"      - {{name: {name}, logicalType: {kind or 'string'}")
        if told:
            pairs = [part.partition("=") for part in told.split("|")]
            listed = ", ".join(f"{{property: {key}, value: {value}}}" for key, _, value in pairs)
            lines[-1] += f", customProperties: [{listed}]"
        lines[-1] += "}"
    return loads(
        "apiVersion: v3.1.0\nkind: DataContract\nid: things\nname: Things\nversion: 1.0.0\nstatus: active\n"
        f"customProperties: [{{property: arengoAccess, value: {access}}}{more}]\n"
        "schema:\n  - name: things\n    properties:\n" + "\n".join(lines) + "\n"
    )


def case(
    tmp_path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, access: str = "open", more: str = "",
    country: str = "", pseudonyms: dict[str, str] | None = None, earlier: tuple[Release, ...] = (),
) -> Case:  # fmt: skip
    made = contract(columns, access, more)
    read = made.as_read()
    connection = duckdb.connect()
    listed = ", ".join(f'"{item.name}" {item.kind.duckdb}' for item in read.properties)
    connection.execute(f"CREATE TABLE intake ({listed})")
    connection.executemany(f"INSERT INTO intake VALUES ({', '.join('?' * len(read.properties))})", rows)
    kept = ", ".join(f'"{item.name}"' for item in made.properties)
    connection.execute(f"CREATE TABLE stored AS SELECT {kept}, NULL::VARCHAR AS _subject FROM intake ORDER BY rowid")
    release = release_of(made, 0, NOW, len(rows))
    if pseudonyms is not None:
        from dataclasses import replace

        release = replace(release, pseudonyms=pseudonyms)
    return Case(
        made, release, Target(), connection, "stored", "intake", read, None, earlier, (), cast("Any", None),
        Settings(root=tmp_path, city=CitySettings(country=country)), cast("Any", None), tmp_path, NOW,
    )  # fmt: skip


def codes(report: Report) -> dict[str, str]:
    return {item.code: item.outcome for item in report.findings}


# The statistical test


def test_a_check_decides_by_valid_distinct_values() -> None:
    hit = checks.explain(BSN[:200], "NL")
    assert hit is not None
    assert hit.check.id == "nl.bsn"
    assert hit.proven
    assert checks.explain([str(n) for n in range(100_000_000, 100_000_200)], "NL") is None
    assert checks.explain([f"{random.Random(n).randrange(10**9):09d}" for n in range(400)], "PT") is None


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), length=st.integers(7, 16))
def test_random_numbers_are_nobodys(seed: int, length: int) -> None:
    dealt = random.Random(seed)
    values = list({"".join(dealt.choice("0123456789") for _ in range(length)) for _ in range(60)})
    assert checks.explain(values, "NL") is None


@pytest.mark.parametrize("name", ["nl.bsn", "es.dni", "de.idnr", "it.iva"])
def test_base_rates_are_as_measured(name: str) -> None:
    check = next(item for item in checks.CHECKS if item.id == name)
    assert checks.measure(check, 6_000, seed=3) == pytest.approx(check.rate, rel=0.45, abs=0.002)


def test_numbers_read_as_integers_lost_their_zeros() -> None:
    values = [text.lstrip("0") for text in (f"{n:09d}" for n in range(12_345_000, 12_349_000))
              if stdnum.nl.bsn.is_valid(text)]  # fmt: skip
    hit = checks.explain(["123456782", *values], "NL", integer=True)
    assert hit is not None
    assert hit.check.id == "nl.bsn"


# Columns


def table(**columns: Sequence[Any]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    kinds = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE"}
    listed = ", ".join(f'"{name}" {kinds[type(values[0])]}' for name, values in columns.items())
    connection.execute(f"CREATE TABLE t ({listed})")
    rows = list(zip(*columns.values(), strict=True))
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
    return connection


def test_every_column_gets_a_finding_and_marks_are_left_out() -> None:
    n = 120
    held = table(
        a=DNI[:n], b=[f"{k}" for k in range(n)], c=[".." if k % 4 == 0 else str(k % 7) for k in range(n)],
        d=["Un texto sobre el parque" if k != 50 else f"Lo dijo {DNI[3]}, {DNI[4]} y {DNI[5]} ayer" for k in range(n)],
    )  # fmt: skip
    columns = [(name, Kind.STRING) for name in "abcd"]
    a, b, c, d = detect(held, "t", columns, country="ES")
    assert (a.kind, a.role, a.strong, a.evidence) == ("national-id", "identifier", True, "number")
    assert "100%" in a.sentence
    assert (b.kind, b.distinct, b.distinction, b.separation) == ("", n, 1.0, 1.0)
    assert c.suppressed == pytest.approx(0.25)
    assert (d.kind, d.strong, d.evidence) == ("free-text", True, "inside")
    assert "3 valid ES DNI numbers" in d.sentence
    assert detect(held, "(SELECT * FROM t)", columns[:1])[0].kind == "national-id"


def test_a_letter_among_letters_is_a_code_and_no_mark() -> None:
    n = 120
    held = table(
        ward=["ABCDX"[k % 5] for k in range(n)], kind=[["SS", "AB", "C"][k % 3] for k in range(n)],
        count=["c" if k % 4 == 0 else str(k % 7) for k in range(n)], some=["C" if k % 4 else "*" for k in range(n)],
    )  # fmt: skip
    found = detect(held, "t", [(name, Kind.STRING) for name in ("ward", "kind", "count", "some")])
    assert [(item.suppressed, item.distinct) for item in found] == [
        (0.0, 5), (pytest.approx(1 / 3), 2), (pytest.approx(0.25), 7), (1.0, 0)
    ]  # fmt: skip


def test_no_rows_no_values_no_failure() -> None:
    held = duckdb.connect()
    held.execute('CREATE TABLE t (a VARCHAR, "b""x" INTEGER, g BLOB)')
    columns = [("a", Kind.STRING), ('b"x', Kind.INTEGER), ("g", Kind.GEOMETRY)]
    assert [item.kind for item in detect(held, "t", columns)] == ["", "", ""]
    held.execute("INSERT INTO t SELECT NULL, NULL, NULL FROM range(50)")
    assert [item.kind for item in detect(held, "t", columns)] == ["", "", ""]
    assert ranks(held, "t", ["a"])[0].separation == 0.0


def test_quasi_identifiers_are_ranked() -> None:
    held = table(sex=["m", "f"] * 50, age=[k % 10 for k in range(100)], ward=[k // 10 for k in range(100)])
    found = ranks(held, "t", ["sex", "age", "ward"])
    assert found[0].columns == ("age", "ward")
    assert (found[0].distinction, found[0].separation) == (1.0, 1.0)
    sex = next(item for item in found if item.columns == ("sex",))
    assert sex.separation == pytest.approx(1 - 2 * 50 * 49 / (100 * 99))
    assert len(found) == 7


def test_nothing_calls_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a network call")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    held = table(m=["call +34 612 345 678 or ana.garcia@example.org"] * 30, iban=["ES9121000418450200051332"] * 30)
    found = detect(held, "t", [("m", Kind.STRING), ("iban", Kind.STRING)], country="ES")
    assert [item.kind for item in found] == ["email", "iban"]


# Texts


def test_a_few_numbers_in_texts_are_more_than_luck() -> None:
    inside = text.read([("La signora RSSMRA85T10A562S ha chiesto", 1)], "IT")
    assert inside["numbers"] == {"IT CODICEFISCALE": 1}
    assert text.read([("expediente 12345678A y 12345678B", 1)], "ES")["numbers"] == {}
    assert text.read([(f"dossier {n:09d}", 1) for n in range(123456700, 123456800)], "NL")["numbers"] == {}
    offices = text.read([("write to info@comune.it or urp@comune.it", 3)], "IT")
    assert (offices["mails"], offices["offices"], offices["texts"]) == (0, 2, 0)
    assert text.read([("en € HT 7 428 21 100, RCS n° 794 887 919", 1)], "FR")["mobiles"] == 0
    assert text.read([("appeler le 06 12 34 56 78", 1)], "FR")["mobiles"] == 1
    persons = text.read([("maria.rossi@comune.it, 333 1234567", 2)], "IT")
    assert (persons["mails"], persons["mobiles"], persons["texts"]) == (1, 1, 2)


# The step


def test_step_blocks_declared_and_reviews_undeclared(tmp_path: Path) -> None:
    rows = [(DNI[k], f"tree {k}") for k in range(100)]
    columns = ["code", "label"]
    assert codes(step.look(case(tmp_path, columns, rows, country="ES"))) == {"undeclared-person": "review"}
    columns = ["code|arengoPrivacyRole=identifier|arengoPersonalKind=national-id", "label"]
    assert codes(step.look(case(tmp_path, columns, rows)))["identifier-open"] == "block"
    found = step.look(
        case(tmp_path, [columns[0] + "|arengoPersonalReason=Elected members are public by law.", "label"], rows)
    ).findings
    assert (found[0].code, found[0].outcome) == ("identifier-allowed", "pass")
    assert "public by law." in found[0].sentence()
    protected = codes(step.look(case(tmp_path, [columns[0] + "|arengoProtect=pseudonym", "label"], rows)))
    assert protected["identifier-protected"] == "pass"
    shared = codes(step.look(case(tmp_path, columns, rows, access="closed")))
    assert set(shared.values()) == {"pass"}
    assert "not-public" in shared


COUNCIL = [f"{first} {last}" for first in ("Adam", "Anna", "Maria", "Piotr", "Ewa", "Jan", "Zofia", "Tomasz")
           for last in ("Nowak", "Kowalski", "Szymański", "Dąbrowski", "Lewandowski")]  # fmt: skip


def test_names_of_a_public_office_ask_for_a_reason(tmp_path: Path) -> None:
    rows = [(name, "room") for name in COUNCIL]
    (found,) = step.look(case(tmp_path, ["councillor", "label"], rows)).findings
    assert (found.code, found.outcome, found.columns) == ("undeclared-person", "review", ("councillor",))
    reason = "councillor|arengoPersonalReason=Elected members are public by law."
    assert codes(step.look(case(tmp_path, [reason, "label"], rows))) == {"identifier-allowed": "pass"}
    told = [item for item in gate.assumptions(case(tmp_path, [reason, "label"], rows)) if item.code == "reason"]
    assert [dict(item.facts) for item in told] == [
        {"column": "councillor", "reason": "Elected members are public by law.", "version": "1.0.0"}
    ]
    for same in (["councillor", "label"], ["councillor|arengoPersonalReason=12 34 5678901234567 x", "label"]):
        assert all(item.code != "reason" for item in gate.assumptions(case(tmp_path, same, rows)))
    closed = case(tmp_path, [reason, "label"], rows, access="closed")
    assert all(item.code != "reason" for item in gate.assumptions(closed))


@pytest.mark.parametrize(
    ("doubt", "found"),
    [
        ("Some of these may be names of persons.", {"undeclared-person": "review"}),
        ("These look like telephone numbers of offices; look whether any is a person's.",
         {"undeclared-person": "review"}),
        ("0 was taken for an unknown place.", {"nothing-personal": "pass"}),
    ],
)  # fmt: skip
def test_an_open_doubt_about_persons_is_answered_by_a_person(tmp_path: Path, doubt: str, found: dict[str, str]) -> None:
    rows = [(f"value {k}", k) for k in range(60)]
    columns = [f'thing|arengoDoubt="{doubt}"', "n:integer"]
    assert codes(step.look(case(tmp_path, columns, rows))) == found
    answered = [columns[0] + "|arengoPersonalReason=These are firms and no persons.", columns[1]]
    assert "undeclared-person" not in codes(step.look(case(tmp_path, answered, rows)))


def test_nothing_personal_passes(tmp_path: Path) -> None:
    rows = [(k, f"Quercus {k % 9}", 40.0 + k / 1000, -3.0 - k / 1000) for k in range(200)]
    made = case(tmp_path, ["n:integer", "species", "lat:number", "lon:number"], rows, country="ES")
    assert codes(step.look(made)) == {"nothing-personal": "pass"}
    assert leaks.look(made).findings == ()


# Leaks


def medallion(n: int) -> str:
    return f"{n % 10}{chr(65 + n % 26)}{n % 100:02d}"


@pytest.mark.parametrize("make", ["md5", "sha1", "sha256", "sha512", "blake2b", "base64"])
def test_unkeyed_hashes_of_taxis_are_recovered(tmp_path: Path, make: str) -> None:
    """Acceptance case 2: medallions hashed without a key, and the constant that stands for none."""

    def hashed(value: str) -> str:
        if make == "base64":
            import base64

            return base64.b64encode(hashlib.sha1(value.encode()).digest()).decode()
        return hashlib.new(make, value.encode()).hexdigest()

    rows = [(hashed(medallion(n)) if n % 10 else hashed("0"), n) for n in range(300)]
    found = leaks.look(case(tmp_path, ["medallion", "fare:integer"], rows)).findings
    assert [(item.code, item.outcome) for item in found] == [("hash-recovered", "block")]
    assert found[0].facts["recovered"] >= 0.98 * found[0].facts["tried"]
    assert not any(medallion(n) in found[0].sentence() for n in range(1, 300))


def test_constants_and_other_columns_are_tried(tmp_path: Path) -> None:
    rows = [(hashlib.sha256(f"Ana {n}".encode()).hexdigest(), f"Ana {n}") for n in range(60)]
    found = leaks.look(case(tmp_path, ["key", "name|arengoProtect=drop"], rows)).findings
    assert (found[0].code, found[0].facts["recovered"]) == ("hash-recovered", 60)
    assert found[0].facts["domain"] == "the column name"


def test_domains_are_what_they_say() -> None:
    held = duckdb.connect()
    for item in (*domains.domains("ES"), *domains.domains("NL"), *domains.domains("PT"), *domains.domains("PL"),
                 *domains.domains("BR"), *domains.domains("DK")):  # fmt: skip
        sql, n = item.values(2_000)
        values = [value for (value,) in held.execute(f"SELECT v FROM {sql}").fetchall()]
        assert len(set(values)) == n, item.name
        check = {"ES DNI": "es.dni", "NL BSN": "nl.bsn", "PT NIF": "pt.nif", "PL PESEL": "pl.pesel",
                 "BR CPF": "br.cpf"}.get(item.name)  # fmt: skip
        if check:
            known = next(one for one in checks.CHECKS if one.id == check)
            share = sum(map(known.valid, values)) / len(values)
            assert share > 0.85, (item.name, values[:3])


def test_a_keyed_pseudonym_is_not_recovered() -> None:
    import hmac

    values = [hmac.new(b"k" * 32, medallion(n).encode(), hashlib.sha256).hexdigest()[:32] for n in range(200)]
    held = table(p=values)
    assert hashes.width(values) == 32
    assert hashes.recover(held, "t", "p", 32, budget=2_000).recovered == 0
    assert hashes.width([f"{n:020d}" for n in range(100)]) == 0
    assert hashes.width(["Via Roma 1", "deadbeef"]) == 0


def test_a_pseudonym_key_used_elsewhere_blocks(tmp_path: Path) -> None:
    rows = [(f"p{n % 7}", n) for n in range(30)]
    columns = ["who|arengoPrivacyRole=identifier|arengoProtect=pseudonym", "n:integer"]
    other = Release("other", 2, NOW, pseudonyms={"person": "m1"})
    made = case(tmp_path, columns, rows, pseudonyms={"who": "m1"}, earlier=(other,))
    found = next(item for item in leaks.look(made).findings if item.code == "pseudonym-reused")
    assert (found.outcome, found.releases) == ("block", ("other v2",))
    same = Release("things", 1, NOW, pseudonyms={"who": "m1"})
    assert leaks.look(case(tmp_path, columns, rows, pseudonyms={"who": "m1"}, earlier=(same,))).findings == ()


def test_rows_in_the_order_of_what_is_withheld(tmp_path: Path) -> None:
    columns = ["name|arengoPrivacyRole=identifier|arengoProtect=drop", "age:integer"]
    ordered = [(f"n{n:03d}", n * 7 % 90) for n in range(80)]
    found = leaks.look(case(tmp_path, columns, ordered)).findings
    assert [(item.code, item.outcome, item.facts["repair"]) for item in found] == [
        ("order-of-identifier", "repair", "shuffle")
    ]
    mixed = random.Random(1).sample(ordered, 80)
    assert leaks.look(case(tmp_path, columns, mixed)).findings == ()
    shuffled = ", {property: arengoProtection, value: {shuffle: true}}"
    assert leaks.look(case(tmp_path, columns, ordered, more=shuffled)).findings == ()


def test_the_same_number_over_many_queries(tmp_path: Path) -> None:
    """Acceptance case 4: a random user id over free-text queries."""
    asked = ["landscapers in town", "homes sold in shadow lake", "dog that urinates", "numb fingers", "single men over"]
    rows = [(4_417_749 + n % 6, f"{asked[n % 5]} {n}") for n in range(120)]
    made = case(tmp_path, ["anon_id:integer", "query"], rows)
    found = next(item for item in leaks.look(made).findings if item.code == "texts-of-one")
    assert (found.outcome, found.people) == ("review", 6)
    assert worst(item.outcome for item in step.look(made).findings) == "review"
    told = ["anon_id:integer|arengoPrivacyRole=identifier|arengoProtect=pseudonym", "query"]
    assert codes(leaks.look(case(tmp_path, told, rows)))["texts-of-one"] == "block"
    single = case(tmp_path, ["anon_id:integer", "query"], [(n, f"{asked[n % 5]} {n}") for n in range(120)])
    assert "texts-of-one" not in codes(leaks.look(single))


def test_identifiers_inside_released_texts(tmp_path: Path) -> None:
    rows = [(f"Seduta del consiglio numero {n}",) for n in range(50)] + [("Richiesta di RSSMRA85T10A562S accolta",)]
    found = leaks.look(case(tmp_path, ["oggetto"], rows, country="IT")).findings
    assert [(item.code, item.outcome, item.facts["texts"]) for item in found] == [("numbers-in-text", "block", 1)]
    assert "RSSMRA" not in found[0].sentence()
