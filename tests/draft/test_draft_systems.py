"""The reference system of projected coordinates: its name in the header, and the range of the numbers."""

from __future__ import annotations

import pytest

from arengo.contract.draft import infer
from arengo.contract.draft.systems import system
from arengo.contract.sample import Sample, SampleColumn


def drafted(x: str, y: str, x0: float, y0: float, language: str):  # type: ignore[no-untyped-def]
    columns = (
        SampleColumn("id", tuple(str(n) for n in range(20))),
        SampleColumn(x, tuple(f"{x0 + 131.25 * n:.2f}" for n in range(20))),
        SampleColumn(y, tuple(f"{y0 + 117.75 * (n * 7 % 20):.2f}" for n in range(20))),
    )
    return infer(Sample("t.csv", "csv", {}, columns, total=20), language=language).contract


@pytest.mark.parametrize(
    ("x", "y", "x0", "y0", "language", "epsg"),
    [
        ("Χ (ΕΓΣΑ87)", "Υ (ΕΓΣΑ87)", 476_000, 4_203_000, "el", 2100),
        ("X EGSA 87", "Y EGSA 87", 476_000, 4_203_000, "en", 2100),
        ("X_ETRS89_UTM32N", "Y_ETRS89_UTM32N", 560_000, 5_930_000, "de", 25832),
        ("X (ED50 / UTM 30N)", "Y (ED50 / UTM 30N)", 440_000, 4_470_000, "es", 23030),
        ("X RD", "Y RD", 120_000, 487_000, "nl", 28992),
        ("X Lambert93", "Y Lambert93", 652_000, 6_862_000, "fr", 2154),
        ("X Gauss-Boaga", "Y Gauss-Boaga", 1_514_000, 5_034_000, "it", 3003),
        ("X Gauss-Boaga", "Y Gauss-Boaga", 2_514_000, 4_634_000, "it", 3004),
        ("X PL-1992", "Y PL-1992", 637_000, 486_000, "pl", 2180),
        ("X (S-JTSK)", "Y (S-JTSK)", -743_000, -1_043_000, "cs", 5514),
        ("x TM35FIN", "y TM35FIN", 385_000, 6_672_000, "fi", 3067),
        ("X SWEREF99 TM", "Y SWEREF99 TM", 674_000, 6_580_000, "sv", 3006),
        ("Easting (OSGB36)", "Northing (OSGB36)", 530_000, 180_000, "en", 27700),
        ("Irish Grid Easting X", "Irish Grid Northing Y", 315_000, 234_000, "en", 29902),
        ("X SIRGAS 2000 UTM 23S", "Y SIRGAS 2000 UTM 23S", 333_000, 7_394_000, "pt", 31983),
        ("X MGI Austria Lambert", "Y MGI Austria Lambert", 625_000, 483_000, "de", 31287),
        ("EOV Y", "EOV X", 650_000, 239_000, "hu", 23700),
        ("X Stereo70", "Y Stereo70", 586_000, 326_000, "ro", 3844),
        ("X HTRS96", "Y HTRS96", 459_000, 5_073_000, "hr", 3765),
        ("MGA Easting (GDA94 zone 56)", "MGA Northing (GDA94 zone 56)", 334_000, 6_250_000, "en", 28356),
        ("x EPSG:25833", "y EPSG:25833", 390_000, 5_819_000, "en", 25833),
    ],
)
def test_named_systems(x: str, y: str, x0: float, y0: float, language: str, epsg: int) -> None:
    contract = drafted(x, y, x0, y0, language)
    assert contract.geometry is not None
    assert contract.geometry.crs == f"EPSG:{epsg}"
    assert any("guess" in str(item.custom.get("arengoDoubt", "")) for item in contract.properties)


def test_a_name_whose_range_does_not_fit_is_not_believed() -> None:
    assert system((300, 900), (300, 900), "", "en", "12 Station Rd")[0] == ""
    assert system((400_000.0, 410_000.0), (4_400_000.0, 4_410_000.0), "", "en", "Main Rd")[0] == ""
