"""The gate before a commit: what must hold of the whole publication.

The privacy engine (k-anonymity, overlap with other releases, small counts) is not here yet; what the contract itself
says of persons is checked, and a direct identifier in an open dataset without a stated reason is warned about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arengo.contract.model import Contract
from arengo.errors import PublicationRefused

if TYPE_CHECKING:
    from arengo.quality import Counts


def judge(
    contract: Contract,
    counts: Counts,
    refusals: tuple[str, ...],
    *,
    held: int | None,
    shrink: float,
    quarantine_share: float,
    kept: str = "",
) -> list[str]:
    """Warnings of a publication that may go on. Raises PublicationRefused when it may not.

    ``held``: rows of the version before, None when there is none. ``shrink``: the smallest share of them the new
    version may have. ``quarantine_share``: the largest share of rows that may be put aside.
    """
    if counts.rows_in and counts.quarantined / counts.rows_in > quarantine_share:
        raise PublicationRefused(
            f"{counts.quarantined:,} of {counts.rows_in:,} rows did not fit the contract, "
            f"more than the share of {quarantine_share:.0%} that may be put aside.",
            todo=f"{kept} Correct the source or the contract, or raise [publish] quarantine_share.".strip(),
        )
    if refusals:
        raise PublicationRefused(
            " ".join(refusals),
            todo=f"Correct the source, or the rule in the contract. {kept if counts.values else ''}".strip(),
        )
    if held and counts.rows < shrink * held:
        raise PublicationRefused(
            f"The source has {counts.rows:,} rows, the version before has {held:,}: less than {shrink:.0%} of them.",
            todo="If that is right, publish again with --allow-shrink.",
        )
    warnings = []
    if contract.access == "open":
        named = [
            prop.name
            for prop in contract.properties
            if prop.privacy_role == "identifier" and not prop.custom.get("arengoPersonalReason")
        ]
        if named:
            one = len(named) == 1
            warnings.append(
                f"{', '.join(named)} {'identifies' if one else 'identify'} persons and the dataset is open, but the "
                f"contract gives no reason (arengoPersonalReason). The risk of the release was not measured."
            )
    return warnings
