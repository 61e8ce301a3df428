"""What a contract says about the persons its rows are about: the release it makes, and what it must reach."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arengo.contract.model import EMPTY, Contract, Frozen, Kind, Property
from arengo.contract.protection import step_name
from arengo.privacy.release import CELLS, EVERYTHING, ROWS, Attribute, Population, Profile, Release, Target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arengo.settings import Settings

K_MAP = "k-map"


def reason_of(column: Property) -> str:
    """``arengoPersonalReason`` where it is one: three words and fifteen letters, else ''. A mark to get by is none."""
    text = " ".join(str(column.custom.get("arengoPersonalReason", "")).split())
    return text if len(text.split()) >= 3 and sum(letter.isalpha() for letter in text) >= 15 else ""


def release_of(
    contract: Contract,
    number: int,
    at: datetime,
    rows: int,
    *,
    population: Population | None = None,
    subject: bool = False,
    recipient: str = "",
) -> Release:
    """The release that a version of ``contract`` is (or would be: ``number`` 0), over the columns as they are stored.

    ``subject``: whether the city knows which person each row is about. ``population``: what ``privacy.toml`` says of
    the contract's population, for its unit.
    """
    from arengo.contract.load import sha

    return Release(
        dataset=contract.id,
        number=number,
        at=at,
        population=population_of(contract),
        unit=population.unit if population else "person",
        form=CELLS if contract.custom.get("arengoCells") and not beside_cells(contract) else ROWS,
        attributes=tuple(attribute(contract, item) for item in contract.properties),
        cells=_cells(contract),
        subject=subject,
        rows=rows,
        recipient=recipient,
        pseudonyms=Frozen(_pseudonyms(contract)),
        declared=sha(contract),
    )


def _cells(contract: Contract) -> Mapping[str, Any]:
    """What the contract says of its cells, with how they are protected: rounded and noisy figures are not exact."""
    told: Mapping[str, Any] = contract.custom.get("arengoCells", EMPTY)
    protection = contract.custom.get("arengoProtection", EMPTY).get("cells")
    return Frozen({**told, "protection": protection}) if told and protection else told


def cell_columns(contract: Contract) -> frozenset[str]:
    """The columns ``arengoCells`` names: groups, figures, contributions, and those all rows have one value of
    (``where``, by concept or by name)."""
    told: Mapping[str, Any] = contract.custom.get("arengoCells", EMPTY)
    sums = [str(name) for item in told.get("sums", ()) for name in item.values()]
    where = {str(name) for name in (told.get("where") or {})}
    met = [
        item.name for item in contract.properties if {item.name, str(item.custom.get("arengoPrivacyConcept"))} & where
    ]
    return frozenset({*map(str, told.get("by", ())), str(told.get("count", "")), *sums, *met} - {""})


def beside_cells(contract: Contract) -> tuple[str, ...]:
    """Stored columns that keep the rows from being cells: what tells of persons, or is no figure, and yet is neither
    a group nor a figure of ``arengoCells``. Rows with such columns are judged one by one, as rows about persons."""
    named = cell_columns(contract)
    return tuple(
        item.name
        for item in contract.properties
        if item.name not in named and (item.privacy_role or item.kind not in (Kind.INTEGER, Kind.NUMBER))
    )


def population_of(contract: Contract) -> str:
    """The population the rows are drawn from: ``arengoPopulation``, or what the column of the person's id names."""
    told = str(contract.custom.get("arengoPopulation", ""))
    if told:
        return told
    marked = (item.custom.get("arengoSubject") for item in contract.as_read().properties)
    return next((str(name) for name in marked if name), "")


def attribute(contract: Contract, column: Property) -> Attribute:
    """A column as it is released: its level is that of the last step of ``arengoProtect`` that names one, in the usual
    hierarchy of its kind where the contract names none."""
    hierarchy = str(column.custom.get("arengoHierarchy", ""))
    level = str(column.custom.get("arengoLevel", ""))
    for step in column.protect:
        if isinstance(step, Mapping) and "level" in step:
            level = str(step["level"])
            hierarchy = str(step.get("hierarchy", hierarchy))
    if level and not hierarchy:
        from arengo.privacy.hierarchy.codes import usual

        read = contract.as_read().column(column.name)
        hierarchy = usual(read.kind if read else column.kind)
    return Attribute(
        column.name,
        column.kind,
        column.privacy_role,
        str(column.custom.get("arengoPrivacyConcept", "")) or f"{contract.id}.{column.name}",
        hierarchy,
        level,
        column.protect,
    )


def _pseudonyms(contract: Contract) -> Mapping[str, str]:
    """Column -> what its key was derived for: two columns with the same mark hold the same pseudonym of a person."""
    out = {}
    for item in contract.properties:
        for step in item.protect:
            if step_name(step) != "pseudonym":
                continue
            told: Mapping[str, Any] = step["pseudonym"] if isinstance(step, Mapping) else EMPTY
            domain = str(told.get("domain", "")) or f"{contract.id}.{item.name}"
            out[item.name] = f"{domain}/{told['epoch']}" if told.get("epoch") else domain
    return out


def target_of(contract: Contract, settings: Settings) -> Target:
    """What a publication of ``contract`` must reach: its ``arengoPrivacyTarget``, and never less than ``[privacy]``.

    A contract may ask for more than the city, not for less: else whoever writes it could switch the gate off.
    """
    told: Mapping[str, Any] = contract.custom.get("arengoPrivacyTarget", EMPTY)
    usual = settings.privacy
    dominance: Mapping[str, Any] = told.get("dominance", EMPTY)
    plain = Target()
    return Target(
        k=max(int(told.get("k", usual.k)), usual.k),
        l=max(int(told.get("l", usual.l)), usual.l),
        t=_strictest(float(told.get("t", usual.t)), usual.t),
        suppression=min(float(told.get("suppressionLimit", usual.suppression)), usual.suppression),
        threshold=max(int(told.get("threshold", usual.threshold)), usual.threshold),
        dominance=(int(dominance.get("n", plain.dominance[0])), float(dominance.get("share", plain.dominance[1]))),
        p=float(told.get("p", plain.p)),
        epsilon=min(float(told.get("epsilonCap", usual.epsilon)), usual.epsilon),
    )


def _strictest(one: float, other: float) -> float:
    """The smaller of two distances, where 0 asks for nothing."""
    return min(one, other) if one and other else one or other


def model_of(contract: Contract) -> str:
    """``k-anonymity`` (the attacker knows who is in the data) or ``k-map`` (he does not)."""
    return str(contract.custom.get("arengoPrivacyTarget", EMPTY).get("model", "k-anonymity"))


def profiles_of(contract: Contract, known: Iterable[Profile]) -> tuple[Profile, ...]:
    """The attackers the contract asks to reckon with, all when it names none; who knows everything is always last. No
    contract takes readers apart that the city takes together."""
    told = contract.custom.get("arengoPrivacyTarget", EMPTY).get("profiles", ())
    chosen = tuple(
        item for item in known if item is not EVERYTHING and (not told or item.name in told or item.colluding)
    )
    return (*chosen, EVERYTHING)


def judged(contract: Contract) -> bool:
    """Whether a contract says anything about persons, so that its versions belong into the publication ledger."""
    return bool(
        population_of(contract)
        or contract.custom.get("arengoCells")
        or any(item.privacy_role for item in contract.properties)
    )
