"""A person is erased from a whole city folder: every byte of it is searched, and nobody else's rows change."""

from __future__ import annotations

import base64
import contextlib
import re
import signal
import sqlite3
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from arengo.city import City, init, open_city
from arengo.door.decision import CITY
from arengo.errors import BadForm, Conflict, NotFound
from arengo.query import from_parameters
from arengo.services.erasure import ERASE, KEEP, RESTRICT

HER = {"number": "Q7715524X", "name": "Wilhelmina Zygmuntowska", "mail": "w.zygmuntowska@example.org",
       "phone": "+34 611 904 772"}  # fmt: skip
REFERENCE = "letter 2026/118"

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {title}
version: 1.0.0
status: active
schema:
  - name: {id}
    properties:
{columns}
customProperties:
  - {{property: arengoAccess, value: {access}}}
  - {{property: arengoOwner, value: Registry}}
  - {{property: arengoPopulation, value: residents}}
  - {{property: arengoPurposes, value: [{{id: service, dpv: 'dpv:PublicPolicyMaking', legalBasis: 'eu-gdpr:A6-1-e',
      retention: P10Y}}]}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/{id}.csv}}}}
{custom}
"""
PERSON = """\
      - {name: id, logicalType: integer, primaryKey: true, required: true}
      - {name: person, logicalType: string, customProperties: [{property: arengoSubject, value: residents},
          {property: arengoPrivacyRole, value: identifier}]}
"""
PEOPLE = (
    PERSON
    + """\
      - {name: name, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: identifier}]}
      - {name: mail, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: identifier}]}
      - {name: phone, logicalType: string, customProperties: [{property: arengoPrivacyRole, value: identifier}]}
      - {name: born, logicalType: date}
"""
)
LOANS = PERSON + "      - {name: amount, logicalType: number}\n"


def _people(more: int = 0, her: bool = True, count: int = 30) -> str:
    lines = ["id,person,name,mail,phone,born"]
    for at in range(count + more):
        lines.append(f"{at},P{at:07d}A,Neighbour {at},n{at}@example.org,+34 600 000 {at:03d},19{50 + at % 40}-01-02")
    if her:
        lines.insert(12, f"901,{HER['number']},{HER['name']},{HER['mail']},{HER['phone']},1990-05-05")
        lines.append(f"{HER['number']},{HER['number']},{HER['name']},{HER['mail']},{HER['phone']},no date")
    return "\n".join(lines) + "\n"


def _loans(her: bool = True) -> str:
    lines = ["id,person,amount", *(f"{at},P{at:07d}A,{at}.5" for at in range(30))]
    return "\n".join([*lines, f"77,{HER['number']},12.25"] if her else lines) + "\n"


def _city(root: Path) -> City:
    init(root, name="Small").close()
    write = {
        "people": (PEOPLE, "closed", "  - {property: arengoSearch, value: [name]}", _people()),
        "loans": (LOANS, "closed", "", _loans()),
        "ledgers": (LOANS, "closed", "  - {property: arengoErasure, value: {ground: keep, "
                    "reason: 'Accounts are kept ten years, Art. 17(3)(b).'}}", _loans(her=False)),
    }  # fmt: skip
    for name, (columns, access, custom, text) in write.items():
        told = CONTRACT.format(id=name, title=name.title(), columns=columns.rstrip(), access=access, custom=custom)
        (root / "contracts" / f"{name}.odcs.yaml").write_text(told, encoding="utf-8")
        (root / "sources" / f"{name}.csv").write_text(text, encoding="utf-8")
    return open_city(root)


def _published(city: City, *names: str) -> None:
    for run in city.publish(names):
        assert run.state in ("succeeded", "unchanged"), run.error


def _full(root: Path) -> City:
    """Versions, quarantine, clustered copies with a word index, a cut, an export, entries of the record."""
    city = _city(root)
    _published(city)
    (root / "sources/people.csv").write_text(_people(more=3), encoding="utf-8")
    _published(city, "people")
    for name in ("people", "loans"):
        version = city.lake.newest(name)
        assert version is not None
        city.lake.prepare(version)
        assert city.door.ask(from_parameters(name, {"search": HER["name"].split()[0]} if name == "people" else {}),
                             CITY).rows  # fmt: skip
        city.lake.artefact(version, "export.csv").write_text(_people(), encoding="utf-8")
    folder = root / ".arengo/scratch"
    folder.mkdir(exist_ok=True)
    (folder / "left.csv").write_text(_people(), encoding="utf-8")
    city.ledger.tell("read", actor="reader", dataset="people", subjects=_digests(city))
    return city


def _digests(city: City) -> tuple[str, ...]:
    places = city.erasure.places
    person = places.person("residents", HER["number"])
    return tuple(item for contract in places.contracts("residents") for item in places.digests(contract, person))


def _texts(path: Path) -> Iterator[bytes]:
    """All a file says: its bytes, and what they hold compressed or encoded."""
    body = path.read_bytes()
    yield body
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        yield repr(pq.read_table(path).to_pydict()).encode()
        about = pq.read_metadata(path)
        yield str([about.row_group(at).to_dict() for at in range(about.num_row_groups)]).encode()
    elif path.suffix == ".duckdb":
        import duckdb

        with duckdb.connect(str(path), read_only=True) as connection:
            for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall():
                yield repr(connection.execute(f'SELECT * FROM "{name}"').fetchall()).encode()
    elif path.suffix == ".sqlite":
        with sqlite3.connect(path) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                with contextlib.suppress(sqlite3.OperationalError):  # a word index; its pages are searched as bytes
                    yield repr(connection.execute(f'SELECT * FROM "{name}"').fetchall()).encode()
        for found in re.findall(rb"[A-Za-z0-9+/]{60,}={0,2}", body):
            yield base64.b64decode(found[: len(found) // 4 * 4])
    elif path.suffix == ".avro":
        from pyiceberg.avro.file import AvroFile
        from pyiceberg.typedef import Record

        from arengo.lake.iceberg import LocalFile

        with AvroFile[Record](LocalFile(str(path))) as reader:
            yield repr([str(item) for item in reader]).encode()
    elif path.suffix == ".pdf":
        for found in re.findall(rb"stream\r?\n(.*?)endstream", body, re.DOTALL):
            try:
                yield zlib.decompress(found)
            except zlib.error:
                continue


def _hits(folder: Path) -> dict[str, str]:
    """File -> what of her it holds."""
    needles = {name: value.lower().encode() for name, value in HER.items()}
    needles["start"] = HER["name"].lower().encode()[:14]  # statistics cut texts off
    needles["word"] = b"zygmuntowsk"
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for text in _texts(path):
                for name, needle in needles.items():
                    if needle in text.lower():
                        found[str(path.relative_to(folder))] = name
    return found


def _others(city: City) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every version that is not hers."""
    out = {}
    for name in city.lake.datasets():
        for version in city.lake.retained(name):
            with city.lake.engine.execute(
                f"SELECT * FROM {city.lake.source(version)} WHERE person <> ? ORDER BY _row", (HER["number"],)
            ) as found:
                out[f"{name} {version.label}"] = found.fetchall()
    return out


@pytest.mark.slow
def test_nothing_of_her_is_left_in_any_file_and_others_stay(tmp_path: Path) -> None:
    root = tmp_path / "city"
    with _full(root) as city:
        before, others = _hits(root / ".arengo"), _others(city)
        where = " ".join(before)
        for part in ("data/", "quarantine.parquet", "serving/people/v2.duckdb", "serving/people/v2.sqlite",
                     "export.csv", "scratch/"):  # fmt: skip
            assert part in where, part
        plan = city.erasure.plan("residents", HER["number"])
        assert {item.dataset: (item.action, dict(item.rows)) for item in plan.items} == {
            "people": (ERASE, {1: 1, 2: 1}), "loans": (ERASE, {1: 1}), "ledgers": (KEEP, {})
        }  # fmt: skip
        assert city.ledger.of_subject(_digests(city)[0])[0].items

        done = city.erasure.run("residents", HER["number"], by="operator", reference=REFERENCE)

        assert done.state == "done"
        assert _others(city) == others
        assert not city.ledger.of_subject(_digests(city)[0])[0].items
        assert all(version.erased_at for name in ("people", "loans") for version in city.lake.retained(name))
        asked = city.door.ask(from_parameters("people", {"limit": "100"}), CITY)
        assert len(list(asked.rows())) == 33
        city.ledger.check()
    assert _hits(root / ".arengo") == {}

    with open_city(root) as city:  # the source has her still: she does not come back
        (root / "sources/people.csv").write_text(_people(more=4), encoding="utf-8")
        (run,) = city.publish("people")
        assert run.state == "succeeded"
        assert [one for one in run.warnings if "erased" in one]
        assert all(not found.rows for found in city.erasure.find("residents", HER["number"]))
        pdf = city.erasure.receipt(done.id)
        assert pdf[:5] == b"%PDF-"
        assert any(one.facts.get("action") == "erase-done" for one in city.ledger.entries(limit=1000))
        from arengo.services.seal import Sealer

        assert Sealer(city.settings).check(pdf).good
        with pytest.raises(NotFound):
            city.erasure.get("E0")


@pytest.mark.parametrize("bad", ["", "   ", "x" * 201])
def test_a_number_must_be_one(tmp_path: Path, bad: str) -> None:
    with _city(tmp_path / "city") as city:
        city.apply()
        with pytest.raises(BadForm):
            city.erasure.find("residents", bad)
        with pytest.raises(BadForm, match="is about a population"):
            city.erasure.find("martians", "7")
        with pytest.raises(BadForm, match="reference"):
            city.erasure.start("residents", "7", by="operator", reference="")


@pytest.mark.slow
def test_a_hostile_number_finds_nobody_and_breaks_nothing(tmp_path: Path) -> None:
    with _city(tmp_path / "city") as city:
        _published(city)
        for number in ("' OR 1=1 --", '"; DROP TABLE version', "%", "\u0000x", "P0000001A' "):
            assert all(not item.rows for item in city.erasure.find("residents", number))
        done = city.erasure.run("residents", "' OR '1'='1", by="operator", reference=REFERENCE)
        assert done.plan.rows == 0
        assert done.state == "done"
        newest = city.lake.newest("people")
        assert newest is not None
        assert newest.rows == 31


def test_a_legal_hold_keeps_her_rows(tmp_path: Path) -> None:
    with _city(tmp_path / "city") as city:
        _published(city)
        city.retention.hold("loans", reason="case 12/2026", by="operator")
        plan = city.erasure.plan("residents", HER["number"])
        item = next(one for one in plan.items if one.dataset == "loans")
        assert (item.action, item.because, item.why) == (KEEP, "hold", "case 12/2026")
        city.erasure.run("residents", HER["number"], by="operator", reference=REFERENCE)
        found = {one.dataset: dict(one.rows) for one in city.erasure.find("residents", HER["number"])}
        assert found == {"people": {}, "loans": {1: 1}, "ledgers": {}}


@pytest.mark.slow
def test_a_restriction_hides_her_everywhere_until_it_is_lifted(tmp_path: Path) -> None:
    root = tmp_path / "city"
    with _city(root) as city:
        _published(city)
        before = {name: len(list(city.door.ask(from_parameters(name, {"limit": "100"}), CITY).rows()))
                  for name in ("people", "loans")}  # fmt: skip
        done = city.erasure.run("residents", HER["number"], RESTRICT, by="operator", reference=REFERENCE,
                                reason="accuracy is contested")  # fmt: skip
        assert all(not found.rows for found in city.erasure.find("residents", HER["number"]))
        assert _hits(root / ".arengo") == {}  # what is kept is sealed
        with pytest.raises(Conflict):
            city.erasure.start("residents", HER["number"], by="operator", reference=REFERENCE)
        _published(city, "people")
        with pytest.raises(BadForm):
            city.erasure.lift(done.id, by="operator", why="")
        lifted = city.erasure.lift(done.id, by="operator", why="it was right")
        assert (lifted.state, lifted.why) == ("lifted", "it was right")
        found = {one.dataset: dict(one.rows) for one in city.erasure.find("residents", HER["number"])}
        assert found == {"people": {2: 1}, "loans": {2: 1}, "ledgers": {}}
        after = {
            name: len(list(city.door.ask(from_parameters(name, {"limit": "100"}), CITY).rows())) for name in before
        }
        assert after == before
        with pytest.raises(Conflict):
            city.erasure.lift(done.id, by="operator", why="again and again")


KILLED = """
    import os, signal, sys
    from arengo.city import open_city
    from arengo.services.erasure.requests import Requests

    at = int(sys.argv[2])
    count = 0
    kept = Requests.done
    def dying(self, *told):
        global count
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
        kept(self, *told)
    Requests.done = dying
    with open_city(sys.argv[1]) as city:
        city.erasure.run("residents", "{number}", by="operator", reference="{reference}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 3, 4, 8, 9])
def test_a_killed_erasure_goes_on_where_it_was(tmp_path: Path, step: int) -> None:
    root = tmp_path / "city"
    with _full(root) as city:
        others = _others(city)
    code = textwrap.dedent(KILLED).format(number=HER["number"], reference=REFERENCE)
    done = subprocess.run([sys.executable, "-c", code, str(root), str(step)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    with open_city(root) as city:
        (item,) = city.erasure.listed()
        assert (item.state, len(item.steps)) == ("running", step - 1)
        (finished,) = city.erasure.resume_all()
        assert finished.state == "done"
        assert _others(city) == others
        assert city.erasure.resume_all() == ()
    assert _hits(root / ".arengo") == {}


DROPPED = """\
      - {name: id, logicalType: integer, primaryKey: true, required: true}
      - {name: person, logicalType: string, customProperties: [{property: arengoSubject, value: residents},
          {property: arengoPrivacyRole, value: identifier}, {property: arengoProtect, value: [drop]}]}
      - {name: amount, logicalType: number}
"""


def test_she_is_left_out_where_her_number_is_dropped_on_the_way_in(tmp_path: Path) -> None:
    root = tmp_path / "city"
    city = init(root, name="Lugo")
    text = CONTRACT.format(id="fines", title="Fines", columns=DROPPED, access="closed", custom="")
    (root / "contracts" / "fines.odcs.yaml").write_text(text, encoding="utf-8")
    source = root / "sources" / "fines.csv"
    source.write_text(_loans(), encoding="utf-8")
    city.apply()
    _published(city, "fines")
    assert city.lake.resolve("fines").rows == 31
    source.write_text(
        _loans() + "".join(f"{HER['number']} {at},{HER['number']},1\n" for at in range(80)), encoding="utf-8"
    )
    assert city.publish()[0].state == "refused"
    assert _hits(root / ".arengo")
    source.write_text(_loans() + "78,P0000001A,3\n", encoding="utf-8")
    done = city.erasure.run("residents", HER["number"], by="operator", reference=REFERENCE)
    assert done.plan.blind == ("Fines",)
    assert _hits(root / ".arengo") == {}
    _published(city, "fines")
    assert city.lake.resolve("fines").rows == 31, "without her, with one more"
    assert _hits(root / ".arengo") == {}
    city.close()
