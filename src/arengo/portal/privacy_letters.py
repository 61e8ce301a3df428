"""What letters about held publications say, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arengo.portal.language import Speech
from arengo.portal.privacy_outcome import headline
from arengo.privacy.verdict import Verdict
from arengo.settings import Settings


def privacy_letter(speech: Speech, settings: Settings, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Subject and paragraphs. ``what``: held or second. No number of a small group leaves the desk by letter but the
    one of the big sentence."""
    _, label = speech._, facts["label"]
    said = headline(speech, Verdict.of(facts["verdict"]))
    if facts["what"] == "second":
        subject = _("A second word is needed: %(dataset)s", dataset=label)
        parts = [
            _("%(name)s asks to publish %(dataset)s although the check holds it back.", name=facts["by"],
              dataset=label),
            said,
            _("It is published only when a second person agrees."),
        ]  # fmt: skip
    else:
        subject = _("Held back: %(dataset)s", dataset=label)
        parts = [
            _("The publication of %(dataset)s is held back. What was public before stays as it is.", dataset=label),
            said,
        ]
        repairs = int(facts.get("repairs", 0))
        if repairs:
            parts.append(speech.many("%(n)s repair was worked out.", "%(n)s repairs were worked out.", repairs))
    base = settings.city.url.rstrip("/")
    return subject, [*parts, _("See it here:"), base + str(facts["link"])]
