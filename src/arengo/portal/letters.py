"""What the city's letters say, in the reader's language: plain text, one thing a letter, the link on its own line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from arengo.portal.agreement_letters import agreement_letter
from arengo.portal.identity_letters import invited, reset
from arengo.portal.language import Speech
from arengo.portal.privacy_letters import privacy_letter
from arengo.portal.state_words import state_word
from arengo.portal.vocabulary import theme_name
from arengo.settings import Settings

RULE = "-- "


def composer(settings: Settings) -> Callable[[str, str, Mapping[str, Any]], tuple[str, str]]:
    """How services have their letters said: (kind, language, facts) -> (subject, text)."""

    def compose(kind: str, language: str, facts: Mapping[str, Any]) -> tuple[str, str]:
        speech = Speech(language, settings.city.timezone, settings.city.country)
        say = {
            "confirm": _confirm,
            "moved": _moved,
            "news": _news,
            "agreement": agreement_letter,
            "privacy": privacy_letter,
            "invited": invited,
            "reset": reset,
        }[kind]
        subject, parts = say(speech, settings, facts)
        foot = [RULE, settings.city.name]
        if settings.city.contact:
            foot.append(settings.city.contact)
        return subject, "\n\n".join([*(part for part in parts if part), "\n".join(foot)]) + "\n"

    return compose


def _confirm(speech: Speech, settings: Settings, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, base, city = speech._, settings.city.url.rstrip("/"), settings.city.name
    what = facts["what"]
    about = {
        "amendment": _("You asked %(city)s to correct data.", city=city),
        "comment": _("You wrote a comment on data of %(city)s.", city=city),
        "reuse": _("You told %(city)s what you made of its data.", city=city),
        "wish": _("You asked %(city)s for data that is not there yet.", city=city),
        "support": _("You told %(city)s that you need this data too: %(title)s", city=city, title=_title(facts)),
    }
    if what == "follow":
        about["follow"] = _("You asked to follow: %(topic)s", topic=topic_name(speech, settings, facts))
    parts = [
        about[what],
        _("Confirm that this address is yours:"),
        base + facts["confirm"],
    ]
    if facts.get("number") and what not in ("support", "comment"):
        parts.append(_("Its number is %(number)s. Here you see what became of it:", number=facts["number"]))
        parts.append(base + facts["track"])
    parts.append(
        _("If that was not you, do nothing: you get no more letters, and the address is erased in a few days.")
    )
    return _("Confirm your address"), parts


def _moved(speech: Speech, settings: Settings, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, base, city = speech._, settings.city.url.rstrip("/"), settings.city.name
    state, title = str(facts["state"]), _title(facts)
    if facts["what"] == "comment" and state == "answered":
        subject = _("%(city)s has answered you", city=city)
        parts = [subject + (f": {title}" if title else ".")]
    else:
        word = state_word(_, str(facts["what"]), state)
        subject = _("%(number)s: %(state)s", number=facts["number"], state=word)
        names = {
            "amendment": _("Your request to correct data"),
            "comment": _("Your comment"),
            "reuse": _("What you made of the data"),
            "wish": _("Your request for data"),
        }
        parts = [f"{names[facts['what']]} {facts['number']}" + (f" ({title})" if title else "") + f": {word}."]
    if facts.get("version"):
        parts.append(_("It is corrected in version %(n)s.", n=facts["version"]))
    if facts.get("planned"):
        day = speech.date(date.fromisoformat(facts["planned"]))
        parts.append(_("It is planned for %(date)s.", date=day))
    if facts.get("dataset") and facts["what"] == "wish":
        parts.append(base + f"/datasets/{facts['dataset']}")
    if facts.get("words"):
        parts.append(_("%(city)s writes:", city=city) + "\n" + _quoted(str(facts["words"])))
    parts += [_("See it here:"), base + facts["track"]]
    return subject, parts


def _news(speech: Speech, settings: Settings, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, base = speech._, settings.city.url.rstrip("/")
    topic = topic_name(speech, settings, facts)
    events = facts["events"]
    if len(events) == 1:
        subject = event_words(speech, events[0])
    else:
        subject = speech.many("%(n)s thing is new: %(topic)s", "%(n)s things are new: %(topic)s", facts["count"],
                              topic=topic)  # fmt: skip
    lines = [f"* {event_words(speech, item)}\n  {base}{event_link(item)}" for item in events]
    if facts["count"] > len(events):
        lines.append(speech.many("and %(n)s more", "and %(n)s more", facts["count"] - len(events)))
    parts = [_("You follow: %(topic)s", topic=topic), "\n".join(lines)]
    parts.append(_("Change how often, or stop:") + "\n" + base + str(facts["end"]))
    return subject, parts


def event_words(speech: Speech, item: Mapping[str, Any]) -> str:
    """One event in a line."""
    _ = speech._
    body: Mapping[str, Any] = item.get("body", {})
    title = str(item.get("title") or body.get("title") or item.get("dataset") or item.get("subject"))
    kind = str(item["kind"])
    if kind == "version.published":
        return _("%(title)s: version %(n)s", title=title, n=body.get("version", ""))
    words = {
        "dataset.added": _("New dataset: %(title)s", title=title),
        "dataset.changed": _("%(title)s: its contract has changed", title=title),
        "dataset.retired": _("%(title)s: no longer kept up", title=title),
        "comment.shown": _("%(title)s: a new comment", title=title),
        "reuse.shown": _("Made with the data: %(title)s", title=str(body.get("title") or title)),
    }
    if kind in words:
        return words[kind]
    family, _dot, state = kind.partition(".")
    word = state_word(_, family, state)
    if family == "wish":
        named = str(body.get("title") or item.get("subject"))
        return _("Wanted data, %(title)s: %(state)s", title=named, state=word)
    return _("%(title)s, correction %(number)s: %(state)s", title=title, number=item["subject"], state=word)


def event_link(item: Mapping[str, Any]) -> str:
    kind, dataset, subject = str(item["kind"]), item.get("dataset", ""), item["subject"]
    if kind.startswith("amendment."):
        return f"/datasets/{dataset}/requests/{subject}"
    if kind.startswith("wish."):
        return f"/wishes/{subject}"
    if kind.startswith("reuse."):
        return f"/reuses/{subject}"
    if kind.startswith("comment."):
        return f"/datasets/{dataset}/discussion#c-{subject}"
    return f"/datasets/{dataset}"


def topic_name(speech: Speech, settings: Settings, facts: Mapping[str, Any]) -> str:
    """What somebody follows, in words."""
    _, topic, value = speech._, facts["topic"], str(facts["value"])
    if topic == "dataset":
        return str(facts.get("label") or value)
    if topic == "theme":
        return _("the theme %(name)s", name=theme_name(value, speech))
    if topic == "organisation":
        return _("the datasets of %(name)s", name=str(facts.get("label") or value))
    if topic == "search":
        return _("the search %(words)s", words=search_words(value))
    if topic == "request":
        return _("the request %(number)s", number=value)
    if topic == "reuses":
        return _("what people make of the data")
    return _("everything that %(city)s publishes", city=settings.city.name)


def search_words(value: str) -> str:
    """A kept search as a reader would say it."""
    from urllib.parse import parse_qsl

    pairs = parse_qsl(value)
    said = [f"“{text}”" if name == "q" else f"{name}: {text}" for name, text in pairs]
    return ", ".join(said) or "–"


def _title(facts: Mapping[str, Any]) -> str:
    return str(facts.get("label") or "")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in text.splitlines())
