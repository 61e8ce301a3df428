"""Names of the EU's themes, update frequencies and licences in the reader's language.

The vocabularies of the contract speak the languages of the EU's own tables; the interface's catalogue of
translations speaks the others. The names are listed here so that the extraction of messages finds them.
"""

from __future__ import annotations

from arengo.contract.vocabulary import FREQUENCIES, LICENCES, THEMES
from arengo.contract.vocabulary import licence as find_licence
from arengo.portal.language import Speech


def theme_name(code: str, speech: Speech) -> str:
    term = THEMES.get(code)
    if term is None:
        return code or speech._("Other")
    english = term.labels["en"]
    return term.labels.get(speech.language) or speech._(english)


def frequency_name(code: str, speech: Speech) -> str:
    term = FREQUENCIES.get(code)
    if term is None:
        return ""
    english = term.labels["en"]
    return term.labels.get(speech.language) or speech._(english)


def licence_name(text: str, speech: Speech) -> str:
    if not text:
        return ""
    found = find_licence(text)
    if found is None:
        return text
    if found is LICENCES.get("none"):
        return speech._("No licence: not for reuse")
    return found.label(speech.language)


def marked(message: str) -> str:
    """A message for the translators that the code meets only as data."""
    return message


NAMES = (
    marked("Agriculture, fisheries, forestry and food"),
    marked("Economy and finance"),
    marked("Education, culture and sport"),
    marked("Energy"),
    marked("Environment"),
    marked("Government and public sector"),
    marked("Health"),
    marked("International issues"),
    marked("Justice, legal system and public safety"),
    marked("Provisional data"),
    marked("Regions and cities"),
    marked("Population and society"),
    marked("Science and technology"),
    marked("Transport"),
    marked("continuously updated"),
    marked("continuous"),
    marked("every minute"),
    marked("every five minutes"),
    marked("every ten minutes"),
    marked("every fifteen minutes"),
    marked("every thirty minutes"),
    marked("hourly"),
    marked("bihourly"),
    marked("trihourly"),
    marked("every twelve hours"),
    marked("twice a day"),
    marked("daily"),
    marked("three times a week"),
    marked("semiweekly"),
    marked("weekly"),
    marked("three times a month"),
    marked("biweekly"),
    marked("semimonthly"),
    marked("monthly"),
    marked("bimonthly"),
    marked("quarterly"),
    marked("three times a year"),
    marked("semiannual"),
    marked("annual"),
    marked("biennial"),
    marked("triennial"),
    marked("quadrennial"),
    marked("quinquennial"),
    marked("decennial"),
    marked("every twenty years"),
    marked("every thirty years"),
    marked("as needed"),
    marked("irregular"),
    marked("not planned"),
    marked("never"),
    marked("other"),
    marked("unknown"),
)
