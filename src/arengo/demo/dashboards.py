"""Two dashboards of the demo city, written into its folder as a department would write them."""

from __future__ import annotations

from pathlib import Path

MOBILITY = """\
# A dashboard is a file: rows of blocks, each a chart, a map, a number, a table or a text.
# What may stand here: docs/reference/dashboard.schema.json
title: Mobility
summary: Traffic, bicycles and parking in Arvenza, from the newest counts.
language: en
translations:
  it: {title: Mobilità, summary: "Traffico, biciclette e parcheggi ad Arvenza, dagli ultimi rilevamenti."}
  fr: {title: Mobilité, summary: "Circulation, vélos et stationnement à Arvenza, d'après les derniers comptages."}
  es: {title: Movilidad, summary: "Tráfico, bicicletas y aparcamientos en Arvenza, según los últimos recuentos."}
  ar: {title: التنقل, summary: "حركة المرور والدراجات ومواقف السيارات في أرفينزا، من أحدث الإحصاءات."}
rows:
  - - number: {dataset: bike-stations, label: Bicycles ready, y: bikes, of: sum}
    - number: {dataset: bike-stations, label: Bicycle stations}
    - number: {dataset: traffic-counts, label: Vehicles counted in a week, y: vehicles, of: sum, compare: period,
               time: day, period: week}
    - number: {dataset: parking-occupancy, label: Free places in garages, y: free, of: avg}
  - - chart:
        dataset: traffic-counts
        kind: line
        x: day
        bucket: week
        y: vehicles
        of: sum
        by: street
        series: 3
        title: Vehicles by week on the busiest streets
      width: 2
    - text: |
        # How to read this

        Loops in the road count every vehicle. A loop that fails leaves a gap: it is drawn as a gap, not as a road
        without cars.

        The [counts themselves](/datasets/traffic-counts) are open, hour by hour.
  - - chart: {dataset: traffic-counts, kind: heat, x: hour, by: day, by_bucket: day_of_week, y: vehicles, of: avg,
              title: When the roads are full}
    - chart: {dataset: parking-occupancy, kind: line, x: time, bucket: hour_of_day, y: free, of: avg, by: name,
              series: 4, title: Free places in garages by hour of the day}
  - - map: {dataset: bike-stations, by: status, title: Bicycle stations}
    - table: {dataset: bike-stations, title: Stations with most bicycles, select: [name, bikes, free_docks, status],
              order_by: -bikes, limit: 8}
"""

SPENDING = """\
title: Spending
summary: What Arvenza pays, to whom, and what it had planned.
language: en
translations:
  it: {title: Spesa, summary: "Quanto paga Arvenza, a chi, e che cosa aveva previsto."}
  fr: {title: Dépenses, summary: "Ce que paie Arvenza, à qui, et ce qui était prévu."}
  es: {title: Gasto, summary: "Lo que paga Arvenza, a quién, y lo que había previsto."}
  ar: {title: الإنفاق, summary: "ما تدفعه أرفينزا ولمن وما كان مخططاً."}
filters:
  - column: mission
    label: Mission
rows:
  - - number: {dataset: spending, label: Paid in a month, y: amount_eur, of: sum, compare: period, period: month,
               time: paid_on}
    - number: {dataset: spending, label: Payments}
    - number: {dataset: spending, label: Half of the payments are below, y: amount_eur, of: median}
  - - chart: {dataset: spending, kind: bar, x: paid_on, bucket: month, y: amount_eur, of: sum,
              title: Paid month by month}
      width: 2
    - chart: {dataset: spending, kind: bar, x: subject, y: amount_eur, of: sum, top: 10, title: What it was for}
  - - chart: {dataset: budget, kind: bar, x: title_name, y: amount_eur, of: sum, by: year, stack: grouped,
              title: The budget by title and year}
    - table: {dataset: spending, title: The largest payments, select: [paid_on, payee, subject, amount_eur],
              order_by: -amount_eur, limit: 10}
"""

FILES = {"mobility.yaml": MOBILITY, "spending.yaml": SPENDING}


def write(root: Path) -> None:
    """Put the files into ``root/dashboards``."""
    folder = root / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
