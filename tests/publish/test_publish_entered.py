"""A version stands in the publication ledger before anybody can read it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from publish_city import CONTRACT, deliver

from arengo.city import init, open_city
from arengo.privacy.releases import Releases
from arengo.publish.street import Street

POPULATION = "  - {property: arengoPopulation, value: residents}\n"
SUBJECT = (
    "      - {name: pid, logicalType: integer, customProperties: [{property: arengoPrivacyRole, value: identifier}, "
    "{property: arengoSubject, value: residents}, {property: arengoProtect, value: [drop]}]}\n"
)
PEOPLE = [n * 37 % 100 for n in range(100)]


def _dataset(root: Path, name: str, column: str, value: dict[int, int]) -> None:
    text = CONTRACT.format(id=name, quality="", custom=POPULATION)
    start, end = text.index("      - {name: id"), text.index("customProperties:\n  - {property: arengoAccess")
    quasi = (
        f"      - {{name: {column}, logicalType: integer, customProperties: [{{property: arengoPrivacyRole, "
        f"value: quasi}}, {{property: arengoPrivacyConcept, value: {column}}}]}}\n"
    )
    (root / "contracts" / f"{name}.odcs.yaml").write_text(text[:start] + SUBJECT + quasi + text[end:])
    deliver(root, f"pid,{column}\n" + "".join(f"{n},{value[n]}\n" for n in PEOPLE), name)


def test_two_publications_of_one_population_are_judged_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tmp_path, name="Small")
    (tmp_path / "privacy.toml").write_text('[populations.residents]\nunit = "person"\n')
    _dataset(tmp_path, "ages", "age", {n: 20 + n // 10 for n in PEOPLE})
    _dataset(tmp_path, "blocks", "block", {n: n % 10 for n in PEOPLE})
    with open_city(tmp_path) as city:
        whole, ledger = Street.commit, Releases(city.settings, city.state, city.lake)

        def commit(self: Street, found: dict[str, object]) -> dict[str, object]:
            if self.contract.id == "ages":  # judged already when the other one comes in between
                with ThreadPoolExecutor(1) as other:
                    assert other.submit(city.publish, ["blocks"]).result()[0].state == "succeeded"
            return whole(self, found)

        monkeypatch.setattr(Street, "commit", commit)
        assert city.publish(["ages"])[0].state == "refused"
        assert [item.label for item in ledger.of("residents")] == ["blocks v1"]
        assert city.lake.newest("ages") is None


def test_a_failure_after_the_commit_leaves_verdict_and_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path, name="Small")
    (tmp_path / "privacy.toml").write_text('[populations.residents]\nunit = "person"\n')
    _dataset(tmp_path, "ages", "age", {n: 20 + n // 10 for n in PEOPLE})
    with open_city(tmp_path) as city:
        ledger = Releases(city.settings, city.state, city.lake)

        def announce(self: Street, found: dict[str, object]) -> dict[str, object]:
            raise OSError("gone")

        with monkeypatch.context() as patched:
            patched.setattr(Street, "announce", announce)
            assert city.publish(["ages"])[0].state == "failed"
        assert [item.label for item in ledger.of("residents")] == ["ages v1"]
        assert city.desk.latest("ages").version == 1  # type: ignore[union-attr]


def test_a_release_that_no_version_followed_is_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path, name="Small")
    (tmp_path / "privacy.toml").write_text('[populations.residents]\nunit = "person"\n')
    _dataset(tmp_path, "ages", "age", {n: 20 + n // 10 for n in PEOPLE})
    with open_city(tmp_path) as city:
        ledger = Releases(city.settings, city.state, city.lake)

        def fails(*_: object, **__: object) -> None:
            assert [item.label for item in ledger.of("residents")] == ["ages v1"], "before anybody can read it"
            raise OSError("gone")

        with monkeypatch.context() as patched:
            patched.setattr(city.lake, "commit", fails)
            assert city.publish(["ages"])[0].state == "failed"
        assert ledger.of("residents") == ()
        assert city.publish(["ages"])[0].state == "succeeded"
