"""Chromium for tests that look at pages: it waits for as long as a loaded machine needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = "/usr/bin/chromium"
AXE = Path(__file__).resolve().parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE = 120_000
"""Milliseconds."""


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser whose clicks and presses end when the page they lead to has been read, and whose waits are long.

    Playwright's own click ends when the next page begins to come; what is asked then, without waiting, may be about
    half of it.
    """
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed")
    api = pytest.importorskip("playwright.sync_api")
    with pytest.MonkeyPatch.context() as patch, api.sync_playwright() as play:
        for kind in (api.Page, api.Locator):
            for name in ("click", "press"):
                patch.setattr(kind, name, _read(getattr(kind, name)))
        made = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS), timeout=PATIENCE)
        patch.setattr(made, "new_context", _patient(made.new_context))
        patch.setattr(made, "new_page", _patient(made.new_page))
        yield made
        made.close()


def _read(act: Any) -> Any:
    def whole(self: Any, *words: Any, **options: Any) -> None:
        act(self, *words, **options)
        page = getattr(self, "page", self)
        page.wait_for_load_state()

    return whole


def _patient(make: Any) -> Any:
    def made(**options: Any) -> Any:
        found = make(**options)
        found.set_default_timeout(PATIENCE)
        return found

    return made
