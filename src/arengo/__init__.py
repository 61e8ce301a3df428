"""Arengo: the urban data platform a city runs itself."""

__version__ = "0.1.0"
