"""Applications, their keys, tokens and use: tables beside :mod:`arengo.state.tables`, under the same metadata."""

from __future__ import annotations
