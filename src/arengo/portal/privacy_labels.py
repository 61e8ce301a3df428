"""What columns, datasets and earlier releases are called on the pages of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from arengo.errors import ArengoError
from arengo.portal.cells import spoken
from arengo.portal.language import Speech
from arengo.privacy.verdict import Verdict

if TYPE_CHECKING:
    from arengo.contract.model import Contract
    from arengo.portal.visit import Visit


class Labels:
    """What columns and earlier releases are called. ``visit`` None: on paper, without addresses."""

    def __init__(self, s: Speech, contract: Contract | None, catalogue: Any) -> None:
        self.s = s
        self._catalogue = catalogue
        as_read = contract.as_read() if contract is not None else None
        self._columns = (
            {item.name: spoken(as_read, item, s.language)[0] for item in as_read.properties} if as_read else {}
        )
        self._titles: dict[str, str] = {}

    def column(self, name: str) -> str:
        return self._columns.get(name) or name

    def of(self, dataset: str, column: str) -> str:
        """A column of another dataset."""
        try:
            contract = self._catalogue.entry(dataset).contract.as_read()
        except ArengoError:
            return column
        found = contract.column(column)
        return spoken(contract, found, self.s.language)[0] if found is not None else column

    def knows(self, dataset: str) -> bool:
        """Whether there is such a dataset still."""
        try:
            return bool(self._catalogue.entry(dataset))
        except ArengoError:
            return False

    def title(self, dataset: str) -> str:
        """A dataset's title, its id when it is gone."""
        if dataset not in self._titles:
            try:
                self._titles[dataset] = self._catalogue.entry(dataset).contract.title(self.s.language)
            except ArengoError:
                self._titles[dataset] = dataset
        return self._titles[dataset]

    def release(self, label: str) -> str:
        """``ballots v3`` as a title with its version."""
        dataset, number = parted(label)
        if not number:
            return self.title(dataset)
        return self.s._("%(title)s (version %(n)s)", title=self.title(dataset), n=number)


def parted(label: str) -> tuple[str, str]:
    """Dataset and number of a label such as ``ballots v3``; '' where there is none."""
    dataset, mark, number = label.rpartition(" v")
    return (dataset, number) if mark and number.isdecimal() else (label, "")


def release_link(label: str, labels: Labels, verdict: Verdict, visit: Visit | None) -> tuple[str, str, str]:
    """(title, address, columns) of an earlier release."""
    dataset, number = parted(label)
    known: Mapping[str, Any] = verdict.measured.get("joint") or {}
    names = next((one.get("columns", ()) for one in known.get("releases", ()) if one.get("label") == label), ())
    columns = [labels.of(dataset, str(name)) for name in names]
    href = ""
    if visit is not None and labels.knows(dataset):
        href = visit.link("datasets", dataset, as_of=number)
    return labels.release(label), href, ", ".join(columns)
