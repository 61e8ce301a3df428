"""An append beside other releases of its population: its own persons leave their groups and join others, the rest stay,
and the verdict is that of a pass over everybody."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arengo.city import init, open_city
from arengo.privacy.overlap import appended, grown, joint, layers
from arengo.privacy.reckoning import Reckoning
from arengo.privacy.releases import Releases
from arengo.publish import growth
from arengo.publish.safety import Safety

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {id}
name: {id}
version: 1.0.0
status: active
domain: registry
schema:
  - name: {id}
    properties:
{columns}
customProperties:
  - {{property: arengoAccess, value: {access}}}
  - {{property: arengoMode, value: {mode}}}
  - {{property: arengoPopulation, value: residents}}
  - {{property: arengoPrivacyTarget, value: {{k: 3, l: {l}}}}}
  - {{property: arengoPurposes, value: [{{id: registry, dpv: "dpv:RecordManagement", legalBasis: "eu-gdpr:A6-1-c",
     retention: P75Y}}]}}
  - {{property: arengoSource, value: {{kind: csv, path: sources/{id}.csv}}}}
"""
CONCEPTS = {"sex": "sex", "band": "age", "district": "residence", "trade": "trade"}


def contract(id_: str, columns: tuple[str, ...], mode: str, access: str = "open", least: int = 1) -> str:
    told = []
    for name in columns:
        roles: list[tuple[str, str]] = []
        if name == "person":
            roles = [("arengoPrivacyRole", "identifier"), ("arengoSubject", "residents")]
            roles += [("arengoProtect", "drop")] if access == "open" else []
        elif name == "benefit":
            roles = [("arengoPrivacyRole", "sensitive"), ("arengoPrivacyConcept", "benefit")]
        elif name in CONCEPTS:
            roles = [("arengoPrivacyRole", "quasi"), ("arengoPrivacyConcept", CONCEPTS[name])]
        listed = ", ".join(f"{{property: {key}, value: {value}}}" for key, value in roles)
        custom = f", customProperties: [{listed}]" if roles else ""
        told.append(f"      - {{name: {name}, logicalType: string{custom}}}")
    return CONTRACT.format(id=id_, columns="\n".join(told), mode=mode, access=access, l=least)


class Town:
    """A register, cards that are public, and visits that grow, each part judged by what was counted and whole."""

    def __init__(
        self, root: Path, patch: pytest.MonkeyPatch, seed: int, *, register: bool = False, sensitive: bool = False,
        people: int = 400, mode: str = "append",
    ) -> None:  # fmt: skip
        init(root, name="Small")
        (root / "city.toml").write_text('[city]\nname = "Small"\n\n[privacy]\nsample = 500\n', encoding="utf-8")
        told = '[populations.residents]\nunit = "person"\n' + ('register = "register"\n' if register else "")
        (root / "privacy.toml").write_text(told, encoding="utf-8")
        benefit = ("benefit",) if sensitive else ()
        self.columns = {"cards": ("person", "trade", *benefit), "visits": ("person", "sex", "band", *benefit, "remark")}
        if register:
            self.columns["register"] = ("person", "sex", "band")
        for name, columns in self.columns.items():
            (root / "contracts" / f"{name}.odcs.yaml").write_text(
                contract(name, columns, mode if name != "register" else "replace",
                         "shared" if name == "register" else "open"), encoding="utf-8")  # fmt: skip
        self.root, self.chance = root, random.Random(seed)
        self.truth = {
            at: {
                "person": f"p{at:05}", "sex": self.chance.choice("FM"), "band": self.chance.choice(["10", "20"]),
                "trade": self.chance.choice(["cook", "smith"]), "benefit": self.chance.choice(["rent", "food", "bus"]),
                "remark": f"remark {at % 7}",
            }
            for at in range(people)
        }  # fmt: skip
        self.city = open_city(root)
        self.pairs: list[tuple[Any, Any]] = []
        self.delta: list[bool] = []
        judge, tally = Safety.judge, grown.tally

        def twice(safety: Safety, *args: Any, **more: Any) -> Any:
            with pytest.MonkeyPatch.context() as other:
                other.setattr(growth, "kept_of", lambda *told: None)
                whole = judge(safety, *args, **more)

            def seen(*given: Any) -> bool:
                self.delta.append(tally(*given))
                return self.delta[-1]

            with pytest.MonkeyPatch.context() as other:
                other.setattr(grown, "tally", seen)
                part = judge(safety, *args, **more)
            self.pairs.append((whole.as_json(), part.as_json()))
            return part

        patch.setattr(Safety, "judge", twice)
        self.values: list[bool] = []
        look = appended.look

        def looked(*given: Any) -> Any:
            found = look(*given)
            self.values.append(found is not None)
            return found

        patch.setattr(appended, "look", looked)

    def publish(self, dataset: str, people: list[int], **other: str) -> Any:
        columns = self.columns[dataset]
        lines = [",".join(columns)]
        lines += [",".join({**self.truth[at], **other}[name] for name in columns) for at in people]
        (self.root / "sources" / f"{dataset}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.pairs.clear()
        self.delta.clear()
        (run,) = self.city.publish(dataset)
        for whole, part in self.pairs:
            assert part == whole
        return run


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as made:
        made.setattr(layers, "SMALL", 0)  # small tables are written by what comes as large ones are
        yield made


def grow(town: Town, steps: int, between: bool = True) -> list[bool]:
    """Visits of new persons, step by step; whether each was judged by counts alone."""
    everybody = list(town.truth)
    town.chance.shuffle(everybody)
    half = len(everybody) // 2
    assert town.publish("cards", everybody[:half]).state == "succeeded"
    first, rest = everybody[half // 2 : half + half // 2], everybody[: half // 2] + everybody[half + half // 2 :]
    town.chance.shuffle(rest)
    assert town.publish("visits", first).state == "succeeded"
    out = []
    for step in range(steps):
        number = town.chance.choice([12, 60, 90])
        more, rest = rest[:number], rest[number:]
        town.values.clear()
        town.publish("visits", more)
        out.append(any(town.values))
        if between and step == steps // 2:
            town.publish("cards", everybody[half : half + 30])
    return out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_an_append_with_a_sensitive_column_reckons_with_its_own_persons(
    tmp_path: Path, patch: pytest.MonkeyPatch, seed: int
) -> None:
    town = Town(tmp_path / "town", patch, seed, sensitive=True, people=1_000)
    assert any(grow(town, 5))
    town.city.close()


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "register", "again"), [(1, False, False), (2, True, False), (3, True, True)])
def test_an_append_beside_another_release_moves_its_own_persons_alone(
    tmp_path: Path, patch: pytest.MonkeyPatch, seed: int, register: bool, again: bool
) -> None:
    """``again``: some persons come with several rows."""
    town = Town(tmp_path / "town", patch, seed, register=register)
    everybody = list(town.truth)
    town.chance.shuffle(everybody)
    if register:
        assert town.publish("register", everybody).state == "succeeded"
    assert town.publish("cards", everybody[:250]).state == "succeeded"
    first, here = everybody[100:300], set(everybody[100:300])
    assert town.publish("visits", first).state == "succeeded"
    rest = [at for at in everybody if at not in here]
    by_counts = []
    for step in range(5):
        more, rest = rest[:20], rest[20:]
        if again:
            more += town.chance.sample(sorted(here), 5)
        here |= set(more)
        run = town.publish("visits", more)
        by_counts.append(any(town.delta))
        if step == 2:  # another release comes between: counted from the files of the classes
            assert town.publish("cards", everybody[250 : 250 + 40]).state == "succeeded"
    assert any(by_counts), by_counts
    assert run.state == "succeeded" or again
    releases = Releases(town.city.settings, town.city.state)
    known = releases.classes.made("residents")
    assert known.by.startswith("visits v")
    town.city.close()


@pytest.mark.slow
def test_whom_an_append_singles_out_is_found_by_counts_and_whole(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    town = Town(tmp_path / "town", patch, 5, register=True)
    everybody = town.chance.sample(list(town.truth), len(town.truth))
    assert town.publish("register", everybody).state == "succeeded"
    assert town.publish("cards", everybody[:200]).state == "succeeded"
    assert town.publish("visits", everybody[100:300]).state == "succeeded"
    assert town.publish("visits", everybody[300:340]).state == "succeeded"
    # Persons of one trade whom few visits of their sex and age are about: groups that were large become small.
    for at in everybody[:4]:
        town.truth[at] |= {"sex": "X"}
    run = town.publish("visits", everybody[:4])
    assert run.state == "refused", run.error
    assert town.delta[0]
    assert {item["code"] for item in town.pairs[0][1]["findings"]} & {"overlap-joint", "overlap-joint-further"}
    town.city.close()


@pytest.mark.slow
def test_persons_the_register_does_not_list_are_told_of_an_append_as_of_a_whole_pass(
    tmp_path: Path, patch: pytest.MonkeyPatch
) -> None:
    """The register is read for its numbers only where those it listed before are not most of all there are now."""
    town = Town(tmp_path / "town", patch, 8, register=True, people=700)
    everybody = town.chance.sample(list(town.truth), len(town.truth))
    assert town.publish("register", everybody[:100]).state == "succeeded"
    assert town.publish("visits", everybody[:100]).state == "succeeded"
    read: list[bool] = []
    count = Reckoning.count

    def seen(reckoning: Reckoning, table: str) -> int:
        read.append("_truth" in table)
        return count(reckoning, table)

    with pytest.MonkeyPatch.context() as within:
        within.setattr(Reckoning, "count", seen)
        assert town.publish("visits", everybody[100:180]).state == "succeeded"
        assert sum(read) == 1  # of the whole pass that is made beside
        read.clear()
        assert town.publish("visits", everybody[180:300]).state == "refused"
        assert sum(read) == 2
    assert {"risk-register-apart"} <= {item["code"] for item in town.pairs[0][1]["findings"]}
    assert town.publish("register", everybody).state == "succeeded"  # others are listed now: those counts are void
    assert town.publish("visits", everybody[180:300]).state == "succeeded"
    town.city.close()


@pytest.mark.slow
def test_counts_of_other_classes_are_not_used(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """Whatever is kept and is not of the classes as they are gives a pass over the files, never a pass by default."""
    town = Town(tmp_path / "town", patch, 6)
    everybody = town.chance.sample(list(town.truth), len(town.truth))
    assert town.publish("cards", everybody[:200]).state == "succeeded"
    assert town.publish("visits", everybody[100:300]).state == "succeeded"
    known: list[bool] = []
    found = grown._known

    def seen(*given: Any) -> Any:
        known.append(found(*given) is not None)
        return found(*given)

    patch.setattr(grown, "_known", seen)

    def kept(first: int) -> bool:
        known.clear()
        assert town.publish("visits", everybody[first : first + 10]).state == "succeeded"
        return any(known)

    assert kept(300)
    releases = Releases(town.city.settings, town.city.state)
    releases.rebuild("residents")
    assert not kept(310)
    assert kept(320)
    releases.classes.path("residents").unlink()
    assert not kept(330)
    assert not any(town.delta)
    assert not kept(340)  # the classes were made anew by the version before, not by adding to others
    assert kept(350)
    releases.forget([])
    assert not kept(360)
    town.city.close()


@pytest.mark.slow
def test_counts_of_classes_that_change_under_a_verdict_are_not_kept(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    """An erasure makes the classes anew beside a verdict: what that counted before is not told to be of these."""
    town = Town(tmp_path / "town", patch, 6)
    everybody = town.chance.sample(list(town.truth), len(town.truth))
    assert town.publish("cards", everybody[:200]).state == "succeeded"
    assert town.publish("visits", everybody[100:300]).state == "succeeded"
    known: list[bool] = []
    found, measured = grown._known, joint._measured

    def seen(*given: Any) -> Any:
        known.append(found(*given) is not None)
        return found(*given)

    def beside(*given: Any) -> Any:
        Releases(town.city.settings, town.city.state).rebuild("residents")
        return measured(*given)

    patch.setattr(grown, "_known", seen)
    with pytest.MonkeyPatch.context() as within:
        within.setattr(joint, "_measured", beside)
        assert town.publish("visits", everybody[300:310]).state == "succeeded"
    known.clear()
    assert town.publish("visits", everybody[310:320]).state == "succeeded"
    assert known
    assert not any(known)
    known.clear()
    assert town.publish("visits", everybody[320:330]).state == "succeeded"
    assert any(known)
    town.city.close()


@pytest.mark.slow
def test_values_of_a_release_that_is_not_as_it_was_are_counted_anew(tmp_path: Path, patch: pytest.MonkeyPatch) -> None:
    town = Town(tmp_path / "town", patch, 7, sensitive=True, people=900)
    everybody = town.chance.sample(list(town.truth), len(town.truth))
    assert town.publish("cards", everybody[:400]).state == "succeeded"
    assert town.publish("visits", everybody[200:500]).state == "succeeded"

    def kept(first: int) -> bool:
        town.values.clear()
        assert town.publish("visits", everybody[first : first + 90]).state == "succeeded"
        return any(town.values)

    assert kept(500)
    releases = Releases(town.city.settings, town.city.state)
    path = releases.path("cards", 1)
    body = path.read_bytes()
    path.unlink()
    path.write_bytes(body)
    assert not kept(590)
    assert kept(680)
    town.city.close()
