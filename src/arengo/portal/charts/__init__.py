"""Charts as Vega-Lite specifications, each with the table that says the same.

Zero baseline for bars, gaps shown as gaps, direct labels where up to four series, one axis, colours told apart by
all. A specification is made twice, for a wide and a narrow page, because scaled-down letters cannot be read on a
phone. ``bars``, ``histogram`` and ``lines`` draw what the portal chooses by itself; a :class:`~.design.Design` is
what a reader chooses, ``material`` asks the door for its numbers and ``grammar`` draws them.
"""

from __future__ import annotations

from arengo.portal.charts.bars import bars
from arengo.portal.charts.histogram import histogram
from arengo.portal.charts.lines import lines
from arengo.portal.charts.period import fill, moment, period
from arengo.portal.charts.plot import APART, MIDDLE, MOST_BARS, NARROW, WIDE, Chart, Plot, Series, head

__all__ = [
    "APART",
    "MIDDLE",
    "MOST_BARS",
    "NARROW",
    "WIDE",
    "Chart",
    "Plot",
    "Series",
    "bars",
    "fill",
    "head",
    "histogram",
    "lines",
    "moment",
    "period",
]
