"""Retention runs and legal holds: tables beside :mod:`arengo.state.tables`, under the same metadata."""

from __future__ import annotations
