"""An agreement on paper: complete, sealed, and only for its two sides."""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "governance"))

from access_town import COOKIE, application, make_town
from notary import DPO, HEAD, TWO, make_notary

from arengo.governance.agreement import Terms, fingerprint_of
from arengo.governance.decision import Mask
from arengo.governance.purpose import QUESTIONS
from arengo.portal.agreement_paper import paper
from arengo.portal.language import Speech
from arengo.services.paper import lay
from arengo.services.seal import Sealer
from arengo.settings import CitySettings, Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient


def words_of(pdf: bytes) -> str:
    """All text of a PDF, lines joined."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)
    finally:
        document.close()


def test_both_sides_find_everything_on_it(tmp_path: Path) -> None:
    notary = make_notary(tmp_path, roles=TWO)
    a, item = notary.agreements, notary.request(columns=("pupil", "birth_date", "school"), rows="meals = TRUE")
    assert item.asked is not None
    less = replace(item.asked, columns=("pupil", "school"), obligations=("Erase the sheet after the meeting.",))
    a.approve(item.id, by=HEAD, terms=less, why="Less is enough <b>here</b>.")
    done = a.approve(item.id, by=DPO)
    names = {"schools": "School Office", "mobility": "Mobility Office", "p-head": "Ada Head", "p-dpo": "Eva Dpo"}
    settings = Settings(tmp_path, CitySettings(name="Limewood"))
    made = paper(
        Speech("en", "UTC", ""), settings, done, a.agreed(done), a.purposes.get(done.purpose), a.history(done.id),
        names, notary.time[0], asked={one.id: one.text for one in QUESTIONS},
    )  # fmt: skip
    pdf = lay(made)
    text = words_of(pdf)
    for wanted in (
        "School Office", "Mobility Office", done.id, done.contract_sha[:20], "meals = TRUE", "a code instead",
        "Safe ways to school", "Art. 6(1)(e)", "1 year", "Erase the sheet after the meeting.", "birth_date",
        "not granted", "Ada Head", "Eva Dpo", "Less is enough <b>here</b>.", "Two planners in the mobility office",
        "in force",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert lay(made) == pdf
    stamp = a.history(done.id)[-1]
    assert stamp.body["fingerprint"] == fingerprint_of(done, done.terms, a.purposes.get(done.purpose).as_json())
    assert stamp.body["fingerprint"] in text.replace(" ", "")
    assert notary.told[-1][1]["body"]["fingerprint"] == stamp.body["fingerprint"]
    sealer = Sealer(settings)
    sealed = sealer.seal(pdf, reason="Agreement", at=datetime.now(UTC))
    assert sealer.check(sealed).good
    assert not sealer.check(sealed.replace(b"Limewood", b"Limeward", 1)).good or b"Limewood" not in sealed
    notary.state.close()


@pytest.mark.slow
def test_only_its_sides_get_the_sealed_file(tmp_path: Path) -> None:
    town = make_town(tmp_path / "city")
    agreements, bruno = town.city.access.agreements, town.caller("bruno")
    purpose = agreements.purposes.write(
        "mobility",
        {"title": "Rooms for evening courses", "text": "Which rooms are large enough for the courses.",
         "dpv": "dpv:ServiceProvision"},
        by=bruno,
    )  # fmt: skip
    now = datetime.now(UTC)
    terms = Terms(("room", "seats"), "standard", 10, now, now + timedelta(days=30), masks=(("room", Mask("hide")),))
    made = agreements.draft("rooms", by=bruno, organisation="mobility", purpose=purpose.id, terms=terms)
    app = application(town.city)
    at = f"/api/v1/agreements/{made.id}/document.pdf"

    def get(name: str, path: str = at) -> Any:
        web = TestClient(app, raise_server_exceptions=True, follow_redirects=False)
        if name:
            web.cookies.set(COOKIE, town.cookies[name])
        return web.get(path)

    assert get("bruno").status_code == 409  # nothing was agreed yet
    assert agreements.submit(made.id, by=bruno).state == "active"
    for name in ("bruno", "anna"):
        answer = get(name)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert Sealer(town.city.settings).check(answer.content).good
    none = at.replace(made.id, "a-222222222222")
    for name in ("ugo", "carla"):
        refused, nothing = get(name), get(name, none)
        assert refused.status_code == nothing.status_code == 404
        assert refused.json() == nothing.json()
    assert get("").status_code == 401
    town.city.close()
