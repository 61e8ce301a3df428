"""People, organisations, roles, sessions and invitations: tables beside :mod:`arengo.state.tables`, under the same metadata."""

from __future__ import annotations
