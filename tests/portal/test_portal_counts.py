"""What the page about a dataset's quality says of the rows that came: read, kept, set aside, withheld."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from arengo.portal.evidence import _counts


@pytest.mark.parametrize(
    ("version", "report", "told"),
    [
        ((50, 48, 2), {"rows_in": 50, "rows": 48, "quarantined": 2}, (50, 48, 2, 0)),
        ((50, 48, 2), {}, (50, 48, 2, 0)),
        # Rows that are withheld came from the source as well.
        ((50, 48, 2), {"rows_in": 50, "rows": 48, "quarantined": 2, "read": 57, "withheld": 7}, (57, 48, 2, 7)),
        # Of an increment only what came with it is counted.
        ((291, 3290, 1), {"rows_in": 291, "rows": 290, "quarantined": 1}, (291, 290, 1, 0)),
        ((291, 3290, 1), {}, (291, 290, 1, 0)),
        # Cells that are left out leave their rows where they are.
        ((20, 20, 0), {"rows_in": 20, "rows": 20, "quarantined": 0, "read": 20, "cells": 3}, (20, 20, 0, 3)),
        # A bound is what everybody reads; how many came would tell the number.
        (
            (50, 48, 2),
            {"rows_in": 50, "rows": 48, "quarantined": 2, "withheld_at_most": 10, "cells": 3},
            (0, 48, 2, 13),
        ),
    ],
)
def test_rows_are_told_by_where_they_went(
    version: tuple[int, int, int], report: dict[str, Any], told: tuple[int, ...]
) -> None:
    held = SimpleNamespace(rows_in=version[0], rows=version[1], quarantined=version[2])
    found = _counts(SimpleNamespace(shown=held, version=held), report)  # type: ignore[arg-type]
    assert tuple(found[name] for name in ("came", "kept", "aside", "withheld")) == told
