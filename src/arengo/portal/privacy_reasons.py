"""Why the gate thinks so, in the reader's language: the evidence of detection, and why something was not looked at.

Verdicts are kept with their reasons in English, as they were given. Each reason has one wording, which is its code
here: what stands in its places is read from the English sentence and put into the translated one. Wordings that are
not here are shown in English and marked so.
"""

from __future__ import annotations

import re
from functools import lru_cache

from arengo.portal.language import Speech


def reason(s: Speech, english: str) -> str:
    """A reason in the language of ``s``; '' when its wording is not known."""
    for at, pattern in enumerate(_patterns()):
        met = pattern.fullmatch(english)
        if met is not None:
            return str(wordings(s)[at] % s.apart({name: _figure(s, value) for name, value in met.groupdict().items()}))
    return ""


def wordings(s: Speech) -> tuple[str, ...]:
    """Every wording with ``%(name)s`` where something stands, always in the same order."""
    _ = s._
    return (
        # Detection
        _("%(share)s of %(tried)s different values are valid %(label)s numbers; by chance %(chance)s would be"),
        _("%(share)s of %(tried)s different values are valid %(label)s numbers, which firms or goods have"),
        _("%(texts)s texts hold %(what)s"),
        _("its days span %(years)s years up to %(latest)s, as birth dates do"),
        _("its values and its name are those of coordinates"),
        _("%(share)s of the values are written like %(country)s number plates"),
        _("it is free text of %(words)s words on average"),
        _("%(share)s of the values are e-mail addresses"),
        _("%(texts)s of the texts hold e-mail addresses"),
        _("the values are network addresses"),
        _("network addresses"),
        _("the values are valid IBANs"),
        _("its name speaks of a bank account"),
        _("its name speaks of birth and its values are dates or years"),
        _("the number of a person"),
        _("the name a person uses"),
        _("its name and its values are those of number plates"),
        _("ages of single persons"),
        _("age groups of single persons"),
        _("sex of single persons"),
        _("it tells about the person of the row"),
        _("telephone numbers, many of them mobile"),
        _("telephone numbers"),
        _("the values are written like telephone numbers"),
        _("addresses with house numbers of reported places, often homes"),
        _("addresses with house numbers in a table that names persons"),
        _("its name speaks of a person and the values have the shape of names"),
        _("name of a person by its header"),
        _("the values are names with patronymics"),
        _("the header and the length of the values are those of names"),
        _("%(share)s of the values hold given names"),
        _("%(share)s are valid %(label)s numbers; by chance %(chance)s would be"),
        _("the name of the column speaks of a personal number"),
        _("tax numbers of the persons its name speaks of; they are valid %(label)s numbers"),
        _("tax numbers of the persons its name speaks of"),
        _(
            "these look like names of persons in a public office or candidacy; look whether all of them may be "
            "published"
        ),
        _("some of these may be names of persons"),
        _("these look like telephone numbers of offices; look whether any is a person's"),
        _("%(share)s of the e-mail addresses are those of offices (info@...); look whether any is a person's"),
        _("tax numbers of persons are personal data; look whether all of these are those of firms"),
        # What was not looked at
        _("the contract does not say what it tells of persons, and by it rows stand in groups of fewer than %(k)s"),
        _("The table of counts"),
        _("An earlier table"),
        _("Overlap with earlier tables"),
        _("Differencing"),
        _("Differencing of all cells together"),
        _("Differences of sums"),
        _("Where areas overlap"),
        _("What earlier rows tell of the figures that are left out"),
        _("What these rows tell of figures that earlier tables left out"),
        _("Noise"),
        _("Whether points tell people apart"),
        _("The time of rows against %(release)s"),
        _("What can be worked out of the figures that are left out"),
        _("How closely some small parts of the population can be estimated"),
        # and why
        _(
            "arengoCells says nothing about %(columns)s, so its rows may be persons and were judged as such; name "
            "these columns there, or take arengoCells out"
        ),
        _("%(column)s alone names every row, and the other columns it is grouped by tell more about that one row"),
        _("the columns %(columns)s are not in it"),
        _("%(n)s of them were left when the time for linear programs was used up"),
        _("%(n)s small parts were left over when the time for linear programs was used up"),
        _(
            "%(n)s small parts, in cells of this table, were left over, more than %(seconds)s seconds of linear "
            "programs can take"
        ),
        _(
            "%(n)s small parts, in cells of %(releases)s, were left over, more than %(seconds)s seconds of linear "
            "programs can take"
        ),
        _("%(n)s figures were left when the time for linear programs was used up"),
        _(
            "%(release)s lists rows that may be about the same people, and its columns %(columns)s could not be "
            "compared with the groups of this table"
        ),
        _("the rows of %(releases)s and this table contradict each other"),
        _("these rows and %(releases)s contradict each other"),
        _("the groups of %(releases)s could not be compared with %(columns)s"),
        _("neither the tables nor a register say how many contribute to the sums of %(column)s"),
        _("most of the names in the table are not those of the areas in %(zonings)s"),
        _("%(share)s of the register live in none of the areas of %(zonings)s"),
        _("the cells of %(releases)s are not kept"),
        _("the contract names no population (arengoPopulation)"),
        _("together the tables divide the population into too many parts"),
        _("together %(releases)s divide the population into too many parts"),
        _("laid over each other, the areas make more than %(n)s pieces"),
        _("%(n)s cells overlap each other, more than are solved at once"),
        _("%(n)s more texts hold numbers than are read one by one"),
        _("there are more than %(n)s combinations"),
        _("the times are too fine for their span"),
        _(
            "it is not known whom %(n)s rows that stay from the version before are about, so they count as people of "
            "their own"
        ),
        _("its persons are of the population %(other)s, and this is published as %(population)s"),
        _("%(releases)s shows it at a level that no hierarchy relates to this one"),
        _("the rows are not linked to persons, so what %(releases)s shows of the same people is unknown"),
    )


@lru_cache(maxsize=1)
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(template) for template in wordings(Speech("en")))


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", template)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)), re.DOTALL
    )


def _figure(s: Speech, text: str) -> str:
    """A figure as the language writes it, anything else as it is."""
    share = re.fullmatch(r"(\d+)(?:\.(\d+))?%", text)
    if share is not None:
        return s.percent(float(text[:-1]) / 100, len(share[2] or ""))
    return s.number(int(text.replace(",", ""))) if re.fullmatch(r"\d{1,3}(,\d{3})+|\d{1,3}", text) else text
