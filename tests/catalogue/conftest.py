from __future__ import annotations

from pathlib import Path

import pytest
from catalogue_shelf import TOWN, Shelf


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Records in seven languages; tests only read them."""
    shelf = Shelf(Path(tmp_path_factory.mktemp("town")), TOWN)
    shelf.put(values={"alberi": ("Tilia cordata", "Quercus ilex", "BOLOGNINA")})
    shelf.stamps["alberi"] = "again"
    shelf.put()
    return shelf
