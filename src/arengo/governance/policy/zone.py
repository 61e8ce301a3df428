"""From which part of the network somebody asks: ``policy.zones`` of the settings."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from arengo.errors import SettingsError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Zones:
    """``entries``: a name and its networks each, ``office 10.0.0.0/8 2001:db8::/32``. Raises SettingsError."""

    def __init__(self, entries: Sequence[str] = ()) -> None:
        self.networks: list[tuple[Network, str]] = []
        names: dict[str, None] = {}
        for entry in entries:
            name, *parts = entry.split()
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", name) or not parts:
                raise SettingsError(
                    f"policy.zones holds {entry!r}.",
                    todo="Write a name of small letters and its networks, such as 'office 10.0.0.0/8'.",
                )
            names[name] = None
            for part in parts:
                try:
                    self.networks.append((ipaddress.ip_network(part), name))
                except ValueError as error:
                    raise SettingsError(
                        f"policy.zones holds {part!r}: {error}.", todo="Write 10.1.0.0/16, say."
                    ) from None
        self.networks.sort(key=lambda item: -item[0].prefixlen)  # the narrowest network says it
        self.names = tuple(names)

    def of(self, address: str) -> str:
        """The zone of an IP address, '' for the rest of the world and for what is no address."""
        if not self.networks:
            return ""
        try:
            found = ipaddress.ip_address(address.strip().strip("[]").partition("%")[0])
        except ValueError:
            return ""
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return next((name for network, name in self.networks if found in network), "")
