"""The register of processing activities in words: for its pages, its table for spreadsheets and its papers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from arengo.contract import dpv
from arengo.contract.period import Period
from arengo.contract.purpose import Controller, Purpose, Recipient, longest
from arengo.portal.language import Speech
from arengo.services.register import Activity, Reader

COMMON = ("address", "contact", "dpo", "authority")
"""What is missing of the controller, so of most datasets at once."""


@dataclass(frozen=True, slots=True)
class Line:
    """One activity as the record says it: Art. 30(1)(a) to (g), in this order. Lists keep their entries apart.

    ``gaps``, ``common_gaps``: what is missing, of the dataset and of the controller.
    """

    id: str
    dataset: str
    title: str
    owner: str
    access: str
    controller: tuple[str, ...]
    purpose: str
    kind: str
    bases: tuple[str, ...]
    subjects: tuple[str, ...]
    data: tuple[str, ...]
    special: tuple[str, ...]
    recipients: tuple[str, ...]
    readers: tuple[str, ...]
    transfers: tuple[str, ...]
    kept: tuple[str, ...]
    security: tuple[str, ...]
    gaps: tuple[str, ...]
    common_gaps: tuple[str, ...]


def line(s: Speech, item: Activity) -> Line:
    """An activity in the language of ``s``."""
    contract = item.contract
    return Line(
        id=item.id,
        dataset=item.dataset,
        title=contract.title(s.language),
        owner=contract.owner or s._("the city"),
        access=access(s, item.access),
        controller=controller(s, item.controller),
        purpose=item.purpose.title(s.language) if item.purpose is not None else s._("No purpose is named"),
        kind=kind(s, item.purpose),
        bases=bases(s, item.purpose) or (s._("not said"),),
        subjects=subjects(s, item.subjects),
        data=tuple(data(s, name) for name in item.kinds),
        special=tuple(data(s, name) for name in item.special),
        recipients=tuple(recipient(s, one) for one in item.recipients),
        readers=tuple(reader(s, one) for one in item.readers),
        transfers=tuple(transfer(s, one) for one in item.transfers),
        kept=kept(s, item),
        security=security(s, item),
        gaps=tuple(gap(s, name) for name in item.gaps if name not in COMMON),
        common_gaps=tuple(gap(s, name) for name in item.gaps if name in COMMON),
    )


def access(s: Speech, code: str) -> str:
    return {
        "open": s._("open to everybody"),
        "shared": s._("shared on request"),
        "closed": s._("closed"),
    }.get(code, code)


def controller(s: Speech, item: Controller) -> tuple[str, ...]:
    """Name and contact details (Art. 30(1)(a))."""
    lines = [item.name, item.address, item.mail, item.phone]
    if item.joint:
        lines.append(s._("Jointly with %(names)s", names=", ".join(item.joint)))
    if item.representative:
        lines.append(s._("Representative: %(name)s", name=item.representative))
    officer = ", ".join(text for text in (item.dpo, item.dpo_mail) if text)
    if officer:
        lines.append(s._("Data protection officer: %(name)s", name=officer))
    return tuple(text for text in lines if text)


def kind(s: Speech, purpose: Purpose | None) -> str:
    """The purpose's term of the vocabulary, where the purpose has a title of its own."""
    term = dpv.concept(purpose.dpv, "purpose") if purpose is not None else None
    if term is None or purpose is None or purpose.title(s.language) == term.label(s.language):
        return ""
    return term.label(s.language)


def basis(s: Speech, term: dpv.Concept) -> str:
    return f"{capital(term.label(s.language))} ({term.article} GDPR)"


def bases(s: Speech, purpose: Purpose | None) -> tuple[str, ...]:
    if purpose is None:
        return ()
    return tuple(basis(s, term) for name in ("basis", "special") for term in purpose.grounds(name))


def subjects(s: Speech, codes: Iterable[str]) -> tuple[str, ...]:
    found = (dpv.concept(code, "subject") for code in codes)
    return tuple(term.label(s.language) for term in found if term is not None)


def recipient(s: Speech, item: Recipient) -> str:
    return f"{item.name} ({item.country})" if item.country else item.name


def reader(s: Speech, item: Reader) -> str:
    """An organisation, what for and until when; never a person."""
    said = s._("%(name)s, until %(day)s", name=item.name, day=s.date(item.until))
    term = dpv.concept(item.purpose, "purpose")
    return f"{said}: {small(term.label(s.language))}" if term is not None else said


def transfer(s: Speech, item: Recipient) -> str:
    ground = dpv.concept(item.safeguard, "transfer")
    if ground is None:
        return s._("%(name)s in %(country)s: nothing says what allows it", name=item.name, country=item.country)
    said = f"{ground.label(s.language)}, {ground.article} GDPR"
    return s._("%(name)s in %(country)s: %(ground)s", name=item.name, country=item.country, ground=said)


def period(s: Speech, text: str) -> str:
    """``P1Y6M`` as "1 year and 6 months"; the text itself when it is no duration."""
    found = Period.parse(text)
    if found is None:
        return text
    years, months = divmod(found.months, 12)
    days, seconds = found.rest.days, found.rest.seconds
    parts = []
    if years:
        parts.append(s.many("%(n)s year", "%(n)s years", years))
    if months:
        parts.append(s.many("%(n)s month", "%(n)s months", months))
    if days:
        parts.append(s.many("%(n)s day", "%(n)s days", days))
    if seconds:
        parts.append(s.many("%(n)s hour", "%(n)s hours", -(-seconds // 3600)))
    return s._(" and ").join(parts) or text


def kept(s: Speech, item: Activity) -> tuple[str, ...]:
    """Time limits for erasure (Art. 30(1)(f))."""
    lines = []
    if item.purpose is not None and item.purpose.retention:
        if item.ages_from and item.access == "closed":  # it does not tell its columns
            said = s._("%(time)s, counted from a day that each row holds", time=period(s, item.purpose.retention))
            lines.append(said)
        elif item.ages_from:
            column = item.contract.column(item.ages_from)
            name = _label(s, item, item.ages_from) or (column.label if column is not None else item.ages_from)
            time = period(s, item.purpose.retention)
            lines.append(s._("%(time)s, counted from the day in “%(column)s”", time=time, column=name))
        else:
            lines.append(period(s, item.purpose.retention))
    else:
        lines.append(s._("not said"))
    if item.versions:
        lines.append(s._("earlier states of the data: %(time)s", time=period(s, item.versions)))
    else:
        lines.append(s._("earlier states of the data: without limit"))
    if item.hold is not None:
        lines.append(s._("nothing is disposed of while a legal hold stands"))
    return tuple(lines)


def ageing(s: Speech, item: Activity) -> str:
    """When a row is due for disposal."""
    limit = longest(item.contract)
    if not item.ages_from:
        return s._("rows do not age")
    column = item.contract.column(item.ages_from)
    name = _label(s, item, item.ages_from) or (column.label if column is not None else item.ages_from)
    return s._("%(time)s after the day in “%(column)s”", time=period(s, limit), column=name)


def security(s: Speech, item: Activity) -> tuple[str, ...]:
    """Measures that are facts of this installation (Art. 30(1)(g)); others are the controller's to add."""
    if item.access == "open":
        lines = [s._("Published: everybody may read it.")]
        whys = [
            " ".join(str(column.custom.get("arengoPersonalReason", "")).split()) for column in item.contract.properties
        ]
        version = item.contract.version
        lines += [
            s._("%(reason)s (contract, version %(version)s)", reason=why, version=version)
            for why in dict.fromkeys(whys)
            if why
        ]
        return tuple(lines)
    if item.access == "closed":
        first = s._("Closed: only the owner's own people read it, and it is not given on request.")
    elif item.approvers > 1:
        first = s._("Others read it only under an agreement for a stated purpose that two people approved.")
    else:
        first = s._("Others read it only under an agreement for a stated purpose that the owner approved.")
    lines = [first]
    lines.append(s._("Each reading is put on record before the first row leaves; a later change of the record shows."))
    hidden = sorted({name for one in item.readers for name in one.hidden})
    if hidden and item.access != "closed":
        lines.append(
            s.many("%(n)s column is blurred for readers.", "%(n)s columns are blurred for readers.", len(hidden))
        )
    lines.append(s._("Versions are kept unchanged with their checksums."))
    return tuple(lines)


def data(s: Speech, name: str) -> str:
    """A kind of personal data in plain words."""
    _ = s._
    return {
        "name": _("names"),
        "email": _("e-mail addresses"),
        "phone": _("telephone numbers"),
        "address": _("home or postal addresses"),
        "postcode": _("postcodes of homes"),
        "location": _("where people are or live"),
        "national-id": _("national or tax numbers"),
        "document-id": _("numbers of identity documents"),
        "person-id": _("the city's own numbers for people or families"),
        "iban": _("bank accounts"),
        "card": _("payment card numbers"),
        "plate": _("vehicle registration numbers"),
        "ip-address": _("network addresses of devices"),
        "device-id": _("numbers of devices or cards"),
        "birth-date": _("dates of birth"),
        "age": _("ages"),
        "sex": _("sex or gender"),
        "nationality": _("nationality or country of birth"),
        "origin": _("racial or ethnic origin"),
        "religion": _("religious or philosophical beliefs"),
        "politics": _("political opinions or union membership"),
        "health": _("health or disability"),
        "biometric": _("biometric or genetic data"),
        "sexuality": _("sex life or orientation"),
        "offence": _("criminal convictions or offences"),
        "income": _("income, wealth, benefits or debts"),
        "family": _("marital status, household or family"),
        "occupation": _("occupation or employer"),
        "education": _("schooling or qualifications"),
        "image": _("pictures, voices or signatures"),
        "free-text": _("free text in which people are named"),
        "other": _("other particulars about people"),
    }.get(name, name)


def source(s: Speech, item: Activity) -> str:
    """Where the data comes from, without an address of the inner network."""
    _ = s._
    if item.inputs:
        return _("It is computed from other datasets of the city: %(names)s.", names=", ".join(item.inputs))
    known = {
        "sqlite": _("It comes from a database of the office that answers for it."),
        "postgresql": _("It comes from a database of the office that answers for it."),
        "mysql": _("It comes from a database of the office that answers for it."),
        "odbc": _("It comes from a database of the office that answers for it."),
        "mqtt": _("It comes from devices of the city."),
        "documents": _("It comes from documents of the office that answers for it."),
        "": _("Where it comes from is not said."),
    }
    return known.get(item.source, _("It comes from files or a service of the office that answers for it."))


def gap(s: Speech, name: str) -> str:
    """What the record still lacks, for those who can add it."""
    _ = s._
    return {
        "purpose": _("No purpose is named."),
        "basis": _("No legal basis is named."),
        "special-basis": _("No exception of Art. 9(2) is named for special categories."),
        "retention": _("It is not said how long the data is kept."),
        "necessity": _("It is not said why the data is needed."),
        "recipients": _("No recipients are named."),
        "address": _("The controller's postal address is missing."),
        "contact": _("The controller's e-mail address is missing."),
        "dpo": _("No data protection officer is named."),
        "authority": _("No supervisory authority is named."),
    }[name]


def headings(s: Speech) -> tuple[str, ...]:
    """Of the table for spreadsheets; :func:`cells` has the same order."""
    _ = s._
    return (
        _("Dataset"), _("Identifier"), _("Office"), _("Who may read it"), _("Controller"), _("Purpose"),
        _("Kind of purpose"), _("Legal basis"), _("People"), _("Data about them"), _("Special categories"),
        _("Recipients"), _("Readers under an agreement"), _("Transfers outside the European Economic Area"),
        _("Kept for"), _("Security"),
    )  # fmt: skip


def cells(found: Line) -> tuple[str, ...]:
    """One row of that table; entries of a list are separated by a line break."""
    lists = (
        (found.title,), (found.id,), (found.owner,), (found.access,), found.controller, (found.purpose,),
        (found.kind,), found.bases, found.subjects, found.data, found.special, found.recipients, found.readers,
        found.transfers, found.kept, found.security,
    )  # fmt: skip
    return tuple("\n".join(texts) for texts in lists)


def _label(s: Speech, item: Activity, column: str) -> str:
    words = item.contract.custom.get("arengoTranslations", {}).get(s.language, {})
    return str(words.get("columns", {}).get(column, ""))


def capital(text: str) -> str:
    """With a capital letter where the script has one."""
    return text[:1].upper() + text[1:]


def small(text: str) -> str:
    """As it stands inside a sentence."""
    return text[:1].lower() + text[1:]
