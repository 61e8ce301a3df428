"""Horizontal bars, one a category, the value written at the end of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arengo.portal.cells import Cell
from arengo.portal.charts.plot import MOST_BARS, Plot, base, head, literal, rounded
from arengo.portal.drawing import INK
from arengo.portal.language import Speech


def bars(
    speech: Speech,
    title: str,
    pairs: Sequence[tuple[str, float]],
    *,
    category: str,
    measure: str,
    unit: str = "",
    sub: str = "",
) -> Plot:
    """Horizontal bars with the value written at the end of each."""
    shown = list(pairs[:MOST_BARS])
    values = [
        {"l": label, "v": value, "t": speech.number(rounded(value)), "i": i} for i, (label, value) in enumerate(shown)
    ]
    return Plot(
        title,
        sub,
        lambda width: _bars(values, width, speech.direction == "rtl"),
        (head(category), head(measure, True, unit)),
        tuple((Cell(label), Cell(speech.number(rounded(value)))) for label, value in shown),
    )


def _bars(values: list[dict[str, Any]], width: int, mirrored: bool) -> dict[str, Any]:
    order = [value["l"] for value in values]
    category = {
        "field": "i",
        "type": "ordinal",
        "axis": {
            "title": None,
            "domain": False,
            "ticks": False,
            "labelColor": INK["ink"],
            "labelLimit": round(width * 0.45),
            "labelExpr": f"({literal(order)})[datum.value]",
            "orient": "right" if mirrored else "left",
        },
        "scale": {"paddingInner": 0.34, "paddingOuter": 0.1},
    }
    length = {
        "field": "v",
        "type": "quantitative",
        "axis": None,
        "scale": {"zero": True, "nice": False, "reverse": mirrored, "padding": 4},
    }
    return {
        **base(width, 28 * max(1, len(values))),
        "data": {"values": values},
        "encoding": {"y": category, "x": length},
        "layer": [
            {"mark": {"type": "bar", "color": INK["accent"]}},
            {
                "mark": {
                    "type": "text",
                    "align": "right" if mirrored else "left",
                    "dx": -6 if mirrored else 6,
                    "baseline": "middle",
                },
                "encoding": {"text": {"field": "t"}},
            },
        ],
    }
