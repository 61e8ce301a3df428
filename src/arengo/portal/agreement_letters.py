"""What letters about agreements say, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from arengo.portal.language import Speech
from arengo.settings import Settings


def agreement_letter(speech: Speech, settings: Settings, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Subject and paragraphs. ``what``: asked, decided, waiting, orphan, ending, outdated or erased."""
    say = {
        "asked": _asked, "decided": _decided, "waiting": _waiting, "orphan": _orphan, "ending": _ending,
        "outdated": _outdated, "erased": _erased,
    }  # fmt: skip
    subject, parts = say[facts["what"]](speech, facts)
    base = settings.city.url.rstrip("/")
    return subject, [*parts, speech._("See it here:"), base + str(facts["link"])]


def _asked(speech: Speech, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, who, what = speech._, facts["organisation"], facts["label"]
    subject = _("%(who)s asks to read: %(dataset)s", who=who, dataset=what)
    parts = [_("%(who)s asks to read %(dataset)s.", who=who, dataset=what)]
    if facts.get("purpose"):
        parts.append(_("The purpose: %(purpose)s", purpose=facts["purpose"]))
    if facts.get("action") == "approve":
        parts.append(_("The first approval was given; yours is the second."))
    elif facts.get("why"):
        parts.append(_("They write:") + "\n" + _quoted(str(facts["why"])))
    parts.append(_("Nothing is read until you decide. On the page you see what they would see, on your own data."))
    return subject, parts


def _erased(speech: Speech, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, what = speech._, facts["label"]
    if facts["kind"] == "restrict":
        subject = _("A person's data is restricted: %(dataset)s", dataset=what)
        said = _("A person's data in %(dataset)s is restricted (GDPR, Art. 18 and 19). It is not given any more.",
                 dataset=what)  # fmt: skip
        todo = _("Do not use what you took of it before, except to store it. Read the data anew to see without whom.")
    else:
        subject = _("A person's data was erased: %(dataset)s", dataset=what)
        said = _("A person's data in %(dataset)s was erased (GDPR, Art. 17 and 19), in all its versions.", dataset=what)
        todo = _("Erase what you took of it too: read the data anew, and delete what is not in it any more.")
    return subject, [said, todo, _("The number of the request: %(number)s", number=facts["request"])]


def _waiting(speech: Speech, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, who, what = speech._, facts["organisation"], facts["label"]
    subject = speech.many("Waiting for %(n)s day: %(dataset)s", "Waiting for %(n)s days: %(dataset)s",
                          int(facts["days"]), dataset=what)  # fmt: skip
    return subject, [
        _("%(who)s has asked to read %(dataset)s and waits for your decision.", who=who, dataset=what),
        _("Nothing is granted by waiting: approve it, narrow it, send it back or reject it."),
    ]


def _orphan(speech: Speech, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, who, what = speech._, facts["organisation"], facts["label"]
    subject = _("Nobody can decide: %(dataset)s", dataset=what)
    return subject, [
        _("%(who)s asks to read %(dataset)s, and nobody here can decide about it.", who=who, dataset=what),
        _("It is decided by: %(decider)s. Give somebody of %(owner)s that role; nothing is granted by waiting.",
          decider=facts["decider"], owner=facts["owner"]),
    ]  # fmt: skip


def _decided(speech: Speech, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, what, who = speech._, facts["label"], facts["organisation"]
    state, action = str(facts["state"]), str(facts["action"])
    if action == "return":
        subject = _("Please correct your request: %(dataset)s", dataset=what)
        said = _("The request to read %(dataset)s was sent back for corrections.", dataset=what)
    elif action == "resume" and state != "active":
        subject = _("Still suspended: %(dataset)s", dataset=what)
        said = _("One suspension of the agreement on %(dataset)s was lifted; another one holds.", dataset=what)
    else:
        subject, said = {
            "active": (_("You may read: %(dataset)s", dataset=what),
                       _("%(who)s may read %(dataset)s now.", who=who, dataset=what)),
            "rejected": (_("Your request was rejected: %(dataset)s", dataset=what),
                         _("The request to read %(dataset)s was rejected.", dataset=what)),
            "suspended": (_("Suspended: %(dataset)s", dataset=what),
                          _("The agreement on %(dataset)s is suspended; nothing is read until it is lifted.",
                            dataset=what)),
            "revoked": (_("Ended: %(dataset)s", dataset=what),
                        _("The agreement on %(dataset)s has ended for good.", dataset=what)),
            "expired": (_("Expired: %(dataset)s", dataset=what),
                        _("The agreement on %(dataset)s has reached its end. It can be renewed.", dataset=what)),
            "superseded": (_("Replaced: %(dataset)s", dataset=what),
                           _("A newer agreement on %(dataset)s holds now.", dataset=what)),
        }[state]  # fmt: skip
        if state == "active" and action == "grant":
            said += " " + _("It was granted by the rule of %(owner)s.", owner=facts["owner"])
    parts = [said]
    if facts.get("why") and action not in ("grant", "supersede", "expire"):
        parts.append(_("The reason:") + "\n" + _quoted(str(facts["why"])))
    return subject, parts


def _ending(speech: Speech, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, what = speech._, facts["label"]
    day = speech.date(datetime.fromisoformat(str(facts["until"])).date())
    subject = _("Ends on %(date)s: %(dataset)s", date=day, dataset=what)
    return subject, [
        _("The agreement of %(who)s on %(dataset)s ends on %(date)s.", who=facts["organisation"], dataset=what,
          date=day),
        _("Renew it if the data is still needed; nothing goes on by itself."),
    ]  # fmt: skip


def _outdated(speech: Speech, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    _, what = speech._, facts["label"]
    day = speech.date(datetime.fromisoformat(str(facts["until"])).date())
    subject = _("The contract has changed: %(dataset)s", dataset=what)
    return subject, [
        _("The contract of %(dataset)s has changed since %(who)s agreed on it:", dataset=what,
          who=facts["organisation"]),
        _quoted(str(facts["why"])),
        _("Ask for the same under the new contract before %(date)s; after that day nothing is read.", date=day),
    ]  # fmt: skip


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in text.splitlines())
