"""Plans, purposes, agreements and their stamps: tables beside :mod:`arengo.state.tables`, under the same metadata."""

from __future__ import annotations
