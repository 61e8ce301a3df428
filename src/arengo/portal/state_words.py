"""The states of requests, comments, reuses and wishes in plain words, each with its tone."""

from __future__ import annotations

from collections.abc import Callable

TONES = {
    "received": "",
    "review": "warn",
    "pending": "warn",
    "accepted": "warn",
    "planned": "warn",
    "answered": "good",
    "corrected": "good",
    "published": "good",
    "shown": "good",
    "declined": "bad",
    "hidden": "bad",
    "spam": "bad",
    "withdrawn": "",
}


def state_word(_: Callable[[str], str], kind: str, state: str) -> str:
    """``state`` as a reader sees it; ``kind``: amendment, comment, reuse or wish."""
    words = {
        "received": _("received"),
        "review": _("under review"),
        "accepted": _("accepted, to be corrected"),
        "answered": _("answered"),
        "declined": _("declined"),
        "corrected": _("corrected"),
        "withdrawn": _("taken back"),
        "spam": _("set aside as spam"),
        "pending": _("waits to be read"),
        "shown": _("shown"),
        "hidden": _("hidden"),
        "planned": _("planned"),
        "published": _("published"),
    }
    return words.get(state, state)
