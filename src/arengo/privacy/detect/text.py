"""A few numbers, addresses and telephones of persons inside a column of texts: every text is looked at, not a sample.

The engine sets aside the texts that could hold one (an ``@``, a long run of digits); what is left is looked at one by
one. A number counts when its check holds and that is more than luck (privacy.md, section 2.3).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from arengo.contract.draft.person_contacts import mail_of_person
from arengo.contract.model import EMPTY
from arengo.privacy.detect.checks import BOTH, CHECKS, FIRM, Check, by_luck

if TYPE_CHECKING:
    from arengo.privacy.reckoning import Reckoning

LUCK = 0.002
"""Valid numbers in a text are taken for what they look like when chance alone would give as many this rarely."""
MOST = 200_000
"""Texts of a column that are looked at one by one."""
_COULD = r"@|\d(?:[ ().\-/+]{0,2}[A-Za-z]?\d){6}|\d{6}[-+A-Y]\d{3}|[A-Z]{6}\d{2}[A-Z]|[A-Z]{4}\d{6}[A-Z0-9]"
_MAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+\-]*@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?<![\w/.\-])(?:\+|00)?\(?\d[\d ().\-]{7,17}\d(?![\w/\-])")


@dataclass(frozen=True, slots=True)
class Inside:
    """``texts``: rows whose text holds something of a person. ``numbers``: label -> valid numbers proven to be such.
    ``mails``: addresses of persons; ``offices``: of offices. ``phones``: valid telephone numbers, ``mobiles`` of them.
    ``looked``: texts that were set aside; ``unlooked``: of those, beyond :data:`MOST`."""

    column: str
    texts: int = 0
    numbers: Mapping[str, int] = EMPTY
    mails: int = 0
    offices: int = 0
    phones: int = 0
    mobiles: int = 0
    looked: int = 0
    unlooked: int = 0

    @property
    def found(self) -> bool:
        return bool(self.numbers or self.mails or self.mobiles)

    @property
    def what(self) -> str:
        """What was found, counted, in English."""
        parts = [f"{count} valid {label} number{'s' * (count > 1)}" for label, count in sorted(self.numbers.items())]
        for count, one, many in (
            (self.mails, "e-mail address of a person", "e-mail addresses of persons"),
            (self.mobiles, "mobile telephone number", "mobile telephone numbers"),
        ):
            if count:
                parts.append(f"{count} {one if count == 1 else many}")
        return ", ".join(parts)


def search(reckoning: Reckoning, column: str, country: str = "") -> Inside:
    """Looks through the whole column. ``country``: ISO 3166, its own numbers are looked for too."""
    aside, number = reckoning.texts(column, _COULD, MOST)
    if not number:
        return Inside(column)
    return Inside(column, **read(aside, country), looked=len(aside), unlooked=number - len(aside))


def read(texts: Iterable[tuple[str, int]], country: str = "") -> dict[str, Any]:
    """What ``texts`` (each with its rows) hold, as the fields of :class:`Inside`."""
    tried: Counter[str] = Counter()
    valid: Counter[str] = Counter()
    numbers: set[str] = set()
    mails: set[str] = set()
    offices: set[str] = set()
    phones: set[str] = set()
    mobiles: set[str] = set()
    where: dict[str, int] = {}
    rows = 0
    checks = forms(country.upper())
    region = country.upper() or None
    for told, count in texts:
        here: list[str] = []
        personal = False
        if "@" in told:
            for mail in _MAIL.findall(told):
                if mail_of_person(mail):
                    mails.add(mail.casefold())
                    personal = True
                else:
                    offices.add(mail.casefold())
        bare = _MAIL.sub(" ", told)
        for check, form in checks:
            for number in form.findall(bare):
                key = f"{check.id}:{number}"
                if key in numbers:
                    here.append(check.id)
                    continue
                numbers.add(key)
                tried[check.id] += 1
                if check.valid(re.sub(r"[\s]", "", number)):
                    valid[check.id] += 1
                    here.append(check.id)
        if not here:
            for written in _PHONE.findall(bare):
                kind = phone(written, region)
                if kind:
                    phones.add(re.sub(r"\D", "", written))
                if kind == "mobile":
                    mobiles.add(re.sub(r"\D", "", written))
                    personal = True
        if personal:
            rows += count
        else:
            for name in here:
                where[name] = where.get(name, 0) + count
    proven: dict[str, int] = {}
    best = {check.id: check for check, _ in checks}
    for name, count in valid.items():
        check = best[name]
        if check.telling or (count / tried[name] >= 0.5 and by_luck(count, tried[name], check.rate) <= LUCK):
            proven[check.label] = count
            rows += where.get(name, 0)
    return {
        "texts": rows, "numbers": proven, "mails": len(mails), "offices": len(offices), "phones": len(phones),
        "mobiles": len(mobiles),
    }  # fmt: skip


@cache
def forms(country: str) -> tuple[tuple[Check, re.Pattern[str]], ...]:
    """The checks looked for in texts: those of the country, and those of any whose form alone tells."""
    return tuple(
        (check, re.compile(check.inside))
        for check in CHECKS
        if check.inside and check.whose not in (FIRM, BOTH) and (check.telling or country in check.countries)
    )


def phone(written: str, country: str | None) -> str:
    """``mobile`` or ``fixed`` of a valid telephone number, ''. Without a country only numbers with a + count."""
    phonenumbers = _phones()
    if country is None and not written.startswith(("+", "00")):
        return ""
    if written.startswith("00"):
        written = "+" + written[2:]
    if not 8 <= sum(char.isdigit() for char in written) <= 15:
        return ""
    if country and not written.startswith("+"):
        # Sums of money in groups look like telephones: where one is dialled with a 0, it is written with it.
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
        digits = re.sub(r"\D", "", written)
        if metadata is None or not digits.startswith(metadata.national_prefix or ""):
            return ""
        if not metadata.national_prefix and min(map(len, re.findall(r"\d+", written))) < 2:
            return ""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    kind = phonenumbers.number_type(number)
    return "mobile" if kind == phonenumbers.PhoneNumberType.MOBILE else "fixed"


@cache
def _phones() -> Any:
    import phonenumbers

    return phonenumbers
