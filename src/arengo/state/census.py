"""The register of the city's applications and the exchanges between them: tables beside :mod:`arengo.state.tables`, under the same metadata."""

from __future__ import annotations
