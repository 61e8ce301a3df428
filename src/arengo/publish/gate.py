"""What must hold of the whole publication before it is judged for what it tells about persons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arengo.errors import PublicationRefused

if TYPE_CHECKING:
    from arengo.quality import Counts


def judge(
    counts: Counts,
    refusals: tuple[str, ...],
    *,
    held: int | None,
    shrink: float,
    quarantine_share: float,
    kept: str = "",
) -> None:
    """Raises PublicationRefused when the publication may not go on.

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
