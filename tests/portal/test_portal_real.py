"""Pages over municipal files as cities publish them, drafted and published with one word of a steward."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from portal_register import application

import arengo
from arengo.city import City
from arengo.contract.write import set_property

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"
FILES = {  # file: what its first picture must be
    "newyork-311/311_Animals_short.csv": "map",
    "barcelona-boundaries/barris.geojson": "map",
    "montreal-streets/rue-pietonnes.geojson": "map",
    "aburra-air/mediciones_pm25_siata_optimizado.csv": "chart",
    "montpellier-budget/VilleMTP_MTP_BudgetPri_2014.csv": "chart",
    "lapaz-census/municipios.csv": "chart",
}
ADDRESSES = "Addresses of complaints, not of persons: the department has published them since 2010."
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    root = Path(tmp_path_factory.mktemp("real"))
    made = arengo.init(root, name="Real files", language="it")
    for file in FILES:
        (draft,) = made.draft(str(REAL / file))
        text = draft.text
        if "incident_address" in text:  # held back otherwise: most stand alone by it
            text = set_property(text, "arengoPrivacyRole", None, "incident_address")
            text = set_property(text, "arengoPersonalReason", ADDRESSES, "incident_address")
        (root / "contracts" / f"{draft.id}.odcs.yaml").write_text(text, encoding="utf-8")
    assert [run.error for run in made.publish() if run.state != "succeeded"] == []
    yield made
    made.close()


def test_every_page_of_every_file(city: City) -> None:
    with TestClient(application(city), headers={"accept-language": "it"}) as client:
        pictures = []
        for entry in city.catalogue.entries(limit=None).items:
            tabs: list[Any] = ["", "/table", "/charts", "/columns", "/quality", "/versions", "/downloads", "/api"]
            if entry.contract.geometry:
                tabs.append("/map")
            for tab in tabs:
                answer = client.get(f"/datasets/{entry.id}{tab}")
                assert answer.status_code == 200, (entry.id, tab)
                assert "Traceback" not in answer.text
            text = client.get(f"/datasets/{entry.id}").text
            pictures.append("map" if '<div class="map">' in text else "chart" if 'class="figure"' in text else "table")
            row = re.search(r'href="(/datasets/[^"]+/rows/[^"]+)"', text)
            if row:
                assert client.get(row[1].replace("&amp;", "&")).status_code == 200, row[1]
        assert sorted(pictures) == sorted(FILES.values())
