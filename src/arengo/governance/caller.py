"""Who asks, at this request."""

from __future__ import annotations

from dataclasses import dataclass

ASSURANCE = ("", "low", "substantial", "high")
"""Levels of assurance of a login in the words of eIDAS (Regulation (EU) 910/2014, Art. 8); '' is nobody known."""
ROLES = ("reader", "steward", "publisher", "auditor", "administrator")
"""What a person may be in an organisation."""
CITY_WIDE = "*"
"""Stands for every organisation in a role."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A party with its credentials, an agreement or none, at this request. Hashable: part of cache keys.

    ``party``: id of the person or application, '' for anyone. ``organisation``: for whom it acts. ``application``:
    the client program, '' for a person in a browser. ``roles``: (organisation, role) pairs. ``assurance``: place in
    :data:`ASSURANCE`. ``purpose``, ``agreement``: what the credential or the request named, '' to take the only one
    there is. ``credential``: id of the key, token or session; never the secret. ``zone``: network zone of the city's
    settings, '' for the rest of the world. ``behalf``: the party acted for, when it is another.
    """

    party: str = ""
    organisation: str = ""
    application: str = ""
    roles: tuple[tuple[str, str], ...] = ()
    assurance: int = 0
    purpose: str = ""
    agreement: str = ""
    credential: str = ""
    zone: str = ""
    behalf: str = ""

    def has(self, role: str, organisation: str) -> bool:
        """Whether it has ``role`` in ``organisation`` (or in the whole city)."""
        return (organisation, role) in self.roles or (CITY_WIDE, role) in self.roles


ANYONE = Caller()
CITY = Caller(party="\0city")
"""The city itself, for datasets made of its own datasets. No credential can name it: a NUL is in no header."""
