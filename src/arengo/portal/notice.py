"""The information notice of a dataset (Art. 13 and 14 of Regulation (EU) 2016/679), in sentences made of facts.

No sentence names a person: the data protection officer appears with an address only, readers as organisations. What
the contract does not say is left out here and listed for those who can add it in the record.
"""

from __future__ import annotations

from dataclasses import dataclass

from arengo.portal import register_words as words
from arengo.portal.language import Speech
from arengo.services.register import Activity
from arengo.settings import Settings


@dataclass(frozen=True, slots=True)
class Section:
    """``id``: its anchor. ``pairs``: label and text; ``points``: a list."""

    id: str
    title: str
    texts: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    pairs: tuple[tuple[str, tuple[str, ...]], ...] = ()


def title(s: Speech, activities: tuple[Activity, ...]) -> str:
    return s._("Personal data in “%(dataset)s”", dataset=activities[0].contract.title(s.language))


def short(s: Speech, activities: tuple[Activity, ...]) -> str:
    """The notice in two sentences."""
    first = activities[0]
    said = s._("%(name)s keeps data about people here: %(data)s.", name=first.controller.name,
               data=_listed(s, tuple(words.data(s, kind) for kind in first.kinds)))  # fmt: skip
    purposes = [item.purpose.title(s.language) for item in activities if item.purpose is not None]
    if purposes:
        said += " " + s._("It is used for: %(purposes)s.", purposes="; ".join(purposes))
    return said


def sections(s: Speech, activities: tuple[Activity, ...], settings: Settings) -> tuple[Section, ...]:
    """The notice in the order in which people ask."""
    made = (
        _responsible(s, activities),
        _what(s, activities),
        _purposes(s, activities),
        _recipients(s, activities),
        _abroad(s, activities),
        _time(s, activities),
        _source(s, activities),
        _machines(s),
        _rights(s, activities),
        _complaints(s, activities, settings),
    )
    return tuple(item for item in made if item is not None)


def _responsible(s: Speech, activities: tuple[Activity, ...]) -> Section:
    item = activities[0].controller
    lines = [text for text in (item.name, item.address, item.mail, item.phone) if text]
    pairs = [(s._("Controller"), tuple(lines))]
    if item.joint:
        pairs.append((s._("Together with"), item.joint))
    if item.dpo_mail:
        pairs.append((s._("Data protection officer"), (item.dpo_mail,)))
    owner = activities[0].contract.owner
    if owner:
        pairs.append((s._("Office that keeps the data"), (owner,)))
    return Section("controller", s._("Who is responsible?"), pairs=tuple(pairs))


def _what(s: Speech, activities: tuple[Activity, ...]) -> Section:
    first = activities[0]
    people = _listed(s, tuple(words.small(text) for text in words.subjects(s, first.subjects)))
    texts = [s._("The rows are about these groups of people: %(people)s.", people=people)]
    if first.special:
        special = _listed(s, tuple(words.data(s, kind) for kind in first.special))
        texts.append(
            s._("The law protects some of it specially (Art. 9 GDPR): %(data)s.", data=special)
        )  # fmt: skip
    return Section(
        "data", s._("What is known about people?"), tuple(texts),
        tuple(words.capital(words.data(s, kind)) for kind in first.kinds),
    )  # fmt: skip


def _purposes(s: Speech, activities: tuple[Activity, ...]) -> Section:
    pairs = []
    for item in activities:
        if item.purpose is None:
            continue
        lines = [s._("Legal basis: %(bases)s", bases="; ".join(words.bases(s, item.purpose)))]
        if item.purpose.necessity:
            lines.append(item.purpose.necessity)
        pairs.append((item.purpose.title(s.language), tuple(lines)))
    texts = () if pairs else (s._("The contract of this dataset names no purpose."),)
    return Section("purposes", s._("What is it used for, and what allows it?"), texts, pairs=tuple(pairs))


def _recipients(s: Speech, activities: tuple[Activity, ...]) -> Section:
    first = activities[0]
    name = s._("Who receives it?")
    if first.access == "open":
        return Section("recipients", name, (s._("It is published: everybody may read it."),))
    named = tuple(dict.fromkeys(words.recipient(s, one) for item in activities for one in item.recipients))
    readers = tuple(dict.fromkeys(words.reader(s, one) for one in first.readers))
    texts = []
    if not named and not readers:
        texts.append(s._("Nobody but the office that keeps it."))
    pairs = []
    if named:
        pairs.append((s._("Offices and bodies that work with it"), named))
    if readers:
        pairs.append((s._("Who reads it under an agreement at present"), readers))
    return Section("recipients", name, tuple(texts), pairs=tuple(pairs))


def _abroad(s: Speech, activities: tuple[Activity, ...]) -> Section:
    found = tuple(dict.fromkeys(words.transfer(s, one) for item in activities for one in item.transfers))
    name = s._("Does it leave the European Economic Area?")
    if found:
        return Section("transfers", name, (s._("Yes, to:"),), found)
    if activities[0].access == "open":
        return Section("transfers", name, (s._("What is published can be read from everywhere."),))
    return Section("transfers", name, (s._("No transfer is planned."),))


def _time(s: Speech, activities: tuple[Activity, ...]) -> Section:
    pairs = tuple(
        (item.purpose.title(s.language), (words.kept(s, item)[0],)) for item in activities if item.purpose is not None
    )
    first = activities[0]
    texts = []
    if len(pairs) > 1:
        texts.append(s._("The data stays as long as one of the purposes needs it."))
    if first.versions:
        texts.append(
            s._("Earlier states of the data are kept for %(time)s at most; the newest stays.",
                time=words.period(s, first.versions))
        )  # fmt: skip
    if first.hold is not None:
        texts.append(s._("At present nothing is disposed of, because a legal hold stands on it."))
    if not pairs and not first.versions:
        texts.append(s._("How long it is kept is not said."))
    return Section("time", s._("How long is it kept?"), tuple(texts), pairs=pairs)


def _source(s: Speech, activities: tuple[Activity, ...]) -> Section:
    return Section("source", s._("Where does it come from?"), (words.source(s, activities[0]),))


def _machines(s: Speech) -> Section:
    return Section(
        "machines", s._("Does a machine decide about people?"),
        (s._("The contract of this dataset names no decision that a machine takes alone (Art. 22 GDPR)."),),
    )  # fmt: skip


def _rights(s: Speech, activities: tuple[Activity, ...]) -> Section:
    """Art. 15 to 21; which of them there are depends on the legal basis."""
    _ = s._
    bases = frozenset(code for item in activities for code in item.bases)
    points = [
        _("You can ask what is known about you, and get a copy (Art. 15)."),
        _("You can have what is wrong corrected, and what is missing added (Art. 16)."),
    ]
    if bases - {"A6-1-c", "A6-1-e"} or not bases:
        points.append(_("You can have data about you erased when it is no longer needed (Art. 17)."))
    else:
        points.append(
            _("You can ask for erasure (Art. 17); the city refuses where a law or its public task asks it to keep the "
              "data, and says so.")
        )  # fmt: skip
    points.append(_("You can have its use restricted while a question is open (Art. 18)."))
    if bases & {"A6-1-a", "A6-1-b"}:
        points.append(_("You can have what you gave about yourself in a form that programs read (Art. 20)."))
    if bases & {"A6-1-e", "A6-1-f"}:
        points.append(_("You can object for reasons of your own situation (Art. 21)."))
    if "A6-1-a" in bases:
        points.append(_("You can withdraw your consent at any time; what was done before stays lawful (Art. 7)."))
    return Section("rights", _("What can you ask for?"), points=tuple(points))


def _complaints(s: Speech, activities: tuple[Activity, ...], settings: Settings) -> Section:
    _ = s._
    item = activities[0].controller
    texts = []
    write = item.dpo_mail or item.mail
    if write:
        texts.append(_("Write to %(mail)s. You get an answer within a month (Art. 12).", mail=write))
    told = settings.register
    if told.authority:
        at = f" ({told.authority_url})" if told.authority_url else ""
        texts.append(_("You can also complain to the supervisory authority: %(name)s.", name=told.authority + at))
    else:
        texts.append(_("You can also complain to the supervisory authority of your country (Art. 77)."))
    return Section("questions", _("Where do you turn?"), tuple(texts))


def _listed(s: Speech, items: tuple[str, ...]) -> str:
    if len(items) < 2:
        return "".join(items)
    return s._(" and ").join((", ".join(items[:-1]), items[-1]))
