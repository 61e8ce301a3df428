"""Which columns are about persons, with the evidence. A hit needs the name of the column and its values to agree.

A validator alone proves nothing (one in ten random nine-digit numbers is a Portuguese tax number), so national
numbers are compared with random numbers of the same shape: the share that is valid must be far above chance.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from arengo.contract.draft.column import Column
from arengo.contract.draft.given_names import COMMON_WORDS, NAMES, PRIVATE_MAIL
from arengo.contract.draft.words import concepts, plain, words
from arengo.contract.model import Kind

_MAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[A-Za-z]{2,}")
_PHONE = re.compile(r"(?:\+|00)?\(?\d[\d\s().\-/–]{5,20}\d(?:\s*(?:ext|int|poste|anexo|x)\.?\s*\d+)?")
_IP = re.compile(r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}")
_PLATE = re.compile(r"(?=.*[A-Za-zА-Я가-힣])(?=.*\d)[A-Za-zА-Я가-힣0-9][A-Za-zА-Я가-힣0-9 \-·.]{3,9}[A-Za-zА-Я0-9]")
_PATRONYMIC = re.compile(r"(?:ович|евич|ич|овна|евна|ична|івна|йович)$", re.IGNORECASE)
_HANGUL_NAME = re.compile(
    r"[김이박최정강조윤장임한오서신권황안송류홍전고문손양배백허남심노하곽성차주우구민진나지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모][가-힣○*]{1,3}"
)
_HAN_NAME = re.compile(r"[\u4e00-\u9fff]{1,3}[ \u3000]?[\u4e00-\u9fff]{1,3}")
_GENERIC_MAIL = re.compile(
    r"^(info|contact|contacto|contato|contatti|kontakt|mail|admin|office|secretar\w*|segreteria|secretaria|direccion|direction|accueil|"
    r"mairie|ayuntamiento|comune|protocollo|urp|biblioteca|biblio\w*|school|escola|scuola|ecole|sekretariat|poststelle|presse|reception|"
    r"hola|hello|postmaster|webmaster|support|service\w*|consultas|atencion|comunicacion|association|asso\w*|club|club\w*|rathaus|gemeinde)([._\-+\d]|$)",
    re.IGNORECASE,
)
_PLACE_WORDS = frozenset(
    "rue avenue av calle c carrer via viale piazza plaza plaça placa strasse str straat ulica ul road street st rd ave boulevard blvd bd place "
    "parc park parque jardin jardi giardino school escuela escola ecole scuola schule college colegio liceo lycee hospital clinica clinic "
    "iglesia church eglise chiesa kirche centro centre center zentrum museo museum musee biblioteca library bibliotheque station estacion "
    "stazione gare bahnhof hotel restaurant bar cafe ltd inc sa sl srl spa gmbh ag sarl sas llc ltda bv nv ab as oy kg ev associacio "
    "association asociacion associazione verein club federation fundacion fondazione fondation stiftung institut instituto istituto "
    "universidad universite universita university ministerio comune ayuntamiento mairie municipio gemeinde comite comunidad cooperativa "
    "barrio district quartier distrito sector zona norte sur este oeste nord sud est ouest puente ponte pont bridge rio fleuve lago lac "
    "monte mont piscina polideportivo stadium estadio stade teatro theatre theater cine mercado market residencia residence torre edificio "
    "casa casal caserne caserma puerto port playa linea line ligne paseo passeig pg passatge travessera ronda camino chemin allee impasse "
    "quai cours villa complexe espace salle gymnase maison parking aparcamiento fuente font source km carretera autopista department "
    "services service council committee company group agency bureau office".split()
)
_PARTICLES = frozenset(
    "de del della dello di da dos das do la las los le van von der den ten ter el al bin ben ibn y i e und mc mac o d l du des zu".split()
)
_MODULES: dict[str, tuple[str, ...]] = {
    "es": ("es.dni", "es.nie"), "ca": ("es.dni", "es.nie"), "gl": ("es.dni", "es.nie"), "eu": ("es.dni", "es.nie"), "it": ("it.codicefiscale",),
    "pt": ("pt.nif", "pt.cc", "br.cpf"), "nl": ("nl.bsn", "be.nn"), "pl": ("pl.pesel",), "fr": ("fr.nir", "be.nn", "ch.ssn"),
    "de": ("de.idnr", "ch.ssn"), "sv": ("se.personnummer",), "no": ("no.fodselsnummer",), "da": ("dk.cpr",), "fi": ("fi.hetu",),
    "et": ("ee.ik",), "lv": ("lv.pk",), "lt": ("lt.asmens",), "ro": ("ro.cnp",), "bg": ("bg.egn",), "hr": ("hr.oib",), "sl": ("si.emso",),
    "cs": ("cz.rc",), "sk": ("sk.rc",), "el": ("gr.amka",), "tr": ("tr.tckimlik",), "ko": ("kr.rrn",), "zh": ("cn.ric",), "he": ("il.idnr",),
    "ru": (), "uk": ("ua.rntrc",), "en": ("us.ssn", "za.idnr", "in_.aadhaar", "gb.nhs", "my.nric"), "id": ("my.nric",), "hu": (),
}  # fmt: skip
_LATIN_AMERICA = ("cl.rut", "ar.cuit", "mx.curp", "ec.ci", "do.cedula", "co.nit", "uy.rut", "pe.cui", "cr.cpf")
_COMPANY = ("es.cif", "it.iva", "fr.siret", "fr.siren", "br.cnpj")


@dataclass(slots=True)
class Setting:
    """What kind of table this is: it decides whether a telephone is a person's or an office's."""

    persons: bool = False  # rows are persons
    owners: bool = False  # rows name persons beside something else
    private: bool = False  # private mail addresses or mobile numbers
    offices: bool = False  # rows are offices, shops, facilities
    cases: bool = False  # rows are requests, incidents, permits
    counts: bool = False  # rows are groups with a count


def find(columns: Sequence[Column], texts: Sequence[str], language: str, country: str) -> list[str]:
    """Mark personal columns (``personal``, ``role``, ``reason``); sentences about the whole table."""
    setting = _setting(columns, texts)
    for column in columns:
        _by_value(column)
    for column in columns:
        if not column.personal:
            _number_of_person(column, language, country)
    for column in columns:
        if not column.personal:
            _name(column, columns, setting)
    named = [column for column in columns if column.personal in ("name", "national-id", "birth-date")]
    setting.owners = bool(named)
    setting.persons = setting.persons or sum(1 for c in columns if c.personal in ("name", "national-id")) >= 2
    mails = [column for column in columns if column.personal == "email"]
    setting.private = any(_private(column) for column in mails)
    for column in columns:
        if not column.personal:
            _attribute(column, setting)
    for column in columns:
        if not column.personal:
            _contact(column, setting, country)
    for column in mails:
        generic = _generic(column)
        if generic >= 0.9 and not setting.owners:
            column.personal = column.role = ""
            column.doubts.append(
                f"{generic:.0%} of the e-mail addresses are those of offices (info@...); look whether any is a person's."
            )
    out = []
    homes = [column for column in columns if column.personal == "address"]
    if homes and any(c.options.get("axis") for c in columns):
        out.append(f"The coordinates point to the same places as {homes[0].name}.")
    return out


def _setting(columns: Sequence[Column], texts: Sequence[str]) -> Setting:
    known: set[str] = set()
    for text in texts:
        known |= concepts(text)
    per_column = [concepts(column.name) for column in columns]
    whole = set().union(*per_column) if per_column else set()
    strong = sum(
        1
        for names in per_column
        if names & {"first_name", "last_name", "birth", "national_id", "person_id"} and not names & {"count"}
    )
    counts = any(
        names & {"count"} and not names & {"id", "code"} and column.kind in (Kind.INTEGER, Kind.NUMBER)
        for names, column in zip(per_column, columns, strict=True)
    )
    return Setting(
        persons=strong >= 1,
        offices=bool((known | whole) & {"facility", "organisation"}),
        cases=bool((known | whole) & {"case"}),
        counts=counts and not strong,
    )


def _values(column: Column, most: int = 400) -> list[str]:
    values = list(column.told())
    if len(values) > most:
        values = random.Random(0).sample(values, most)  # noqa: S311 - a repeatable choice, not a secret
    return values


def _share(values: Sequence[str], test: Callable[[str], object]) -> float:
    return sum(1 for value in values if test(value)) / len(values) if values else 0.0


def _mark(column: Column, kind: str, role: str, reason: str) -> None:
    column.personal, column.role, column.reason = kind, role, reason


def _by_value(column: Column) -> None:
    """E-mail, bank account, network address: the values alone tell."""
    if column.kind not in (Kind.STRING, Kind.INTEGER):
        return
    values = _values(column)
    if not values:
        return
    if column.kind is Kind.STRING:
        whole = _share(values, lambda v: _MAIL.search(v) and len(v) < 120)
        if whole >= 0.5 or (whole >= 0.2 and "email" in concepts(column.name)):
            _mark(column, "email", "identifier", f"{whole:.0%} of the values are e-mail addresses")
            return
        inside = [v for v in column.told() if "@" in v and _MAIL.search(v)]
        if inside:
            share = len(inside) / max(1, column.distinct)
            if share >= 0.01 and len(inside) >= 2 and sum(map(len, inside)) / len(inside) > 60:
                _mark(column, "free-text", "identifier", f"{len(inside)} of the texts hold e-mail addresses")
                return
            column.doubts.append(f"{len(inside)} of the texts hold e-mail addresses.")
        if _share(values, _IP.fullmatch) >= 0.9 and len(values) >= 3:
            _mark(column, "ip-address", "identifier", "the values are network addresses")
            return
        head = [v for v in values if re.match(r"[A-Z]{2}\d{2}[ A-Z0-9]{10,30}$", v.upper())]
        if len(head) >= 0.8 * len(values):
            iban = import_module("stdnum.iban")
            if _share(head[:60], lambda v: iban.is_valid(v, check_country=False)) >= 0.8:
                _mark(column, "iban", "identifier", "the values are valid IBANs")


def _generic(column: Column) -> float:
    return _share(_values(column), lambda v: _GENERIC_MAIL.match(v.split("@")[0]) is not None)


def _private(column: Column) -> bool:
    def private(text: str) -> bool:
        found = _MAIL.search(text)
        return bool(found) and found.group(0).rsplit("@", 1)[1].split(".")[0].casefold() in PRIVATE_MAIL

    return _share(_values(column), private) >= 0.15


# --- national numbers


def _number_of_person(column: Column, language: str, country: str) -> None:
    known = concepts(column.name)
    values = [re.sub(r"[\s.\-/]", "", v) for v in _values(column, 200)]
    if len(values) < 3 or column.kind not in (Kind.STRING, Kind.INTEGER):
        return
    shaped = [v for v in values if re.fullmatch(r"[A-Za-z0-9]{7,18}", v) and sum(c.isdigit() for c in v) >= 4]
    titled = "national_id" in known and not known & {"postcode", "date", "year"}
    if len(shaped) < 0.8 * len(values):
        return
    digits_only = all(v.isdigit() for v in shaped)
    modules = _MODULES.get(language, ())
    if language == "es" or country.upper() in ("CL", "AR", "MX", "EC", "DO", "CO", "UY", "PE", "CR"):
        modules += _LATIN_AMERICA if titled or not digits_only else ()
    if titled:
        modules += tuple(name for listed in _MODULES.values() for name in listed if name not in modules)
    if not modules or (not titled and len({len(v) for v in shaped}) > 2):
        return
    for name in modules:
        valid = _validator(name)
        share = _share(shaped, valid)
        if share < 0.8:
            continue
        chance = _by_chance(shaped, valid)
        if share >= 20 * max(chance, 0.002) or (titled and share >= 3 * chance):
            if not titled and (
                len(shaped) < 8
                or chance > 0.045
                or known & {"code", "official_code", "postcode", "phone", "count", "y", "x"}
            ):
                continue
            _mark(
                column,
                "national-id",
                "identifier",
                f"{share:.0%} are valid {name.replace('.', ' ').upper()} numbers; by chance {chance:.1%} would be",
            )
            return
    if titled and not any(_share(shaped, _validator(name)) >= 0.8 for name in _COMPANY):
        long_enough = _share(shaped, lambda v: len(v) >= 7)
        if (
            long_enough >= 0.8
            and len(set(shaped)) >= 0.5 * len(values)
            and {"cf", "rc", "run", "rut"}.isdisjoint(words(column.name))
        ):
            _mark(column, "national-id", "identifier", "the name of the column speaks of a personal number")


def _validator(name: str) -> Callable[[str], bool]:
    try:
        module = import_module(f"stdnum.{name}")
    except ImportError:
        return lambda value: False
    check: Callable[[str], bool] = module.is_valid
    if name == "es.dni":
        return lambda value: len(value) == 9 and check(value)
    return check


def _by_chance(values: Sequence[str], valid: Callable[[str], bool]) -> float:
    """Share of random texts of the same shape that pass."""
    choice = random.Random(1)  # noqa: S311 - a repeatable experiment, not a secret
    made = []
    for n in range(400):
        shape = values[n % len(values)]
        made.append(
            "".join(
                choice.choice("0123456789") if c.isdigit() else choice.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
                for c in shape
            )
        )
    return _share(made, valid)


# --- names


def _tokens(text: str) -> list[str]:
    return [token for token in re.split(r"[\s,.\-/&()]+", plain(text)) if token]


def person_share(values: Sequence[str]) -> tuple[float, float, float]:
    """Shares of values with a given name, of the shape of a full name, with a word of a place or firm."""
    given = shape = place = 0
    for text in values:
        tokens = _tokens(text)
        if not tokens:
            continue
        strong = [t for t in tokens if t in NAMES and t not in COMMON_WORDS]
        weak = [t for t in tokens if t in NAMES]
        given += bool(strong) or (len(weak) >= 1 and 2 <= len(tokens) <= 4)
        core = [t for t in tokens if t not in _PARTICLES]
        alphabetic = all(t.isalpha() for t in core)
        shape += alphabetic and 2 <= len(core) <= 5 and (text[:1].isupper() or text.isupper())
        place += any(t in _PLACE_WORDS for t in tokens)
    n = len(values) or 1
    return given / n, shape / n, place / n


def _name(column: Column, columns: Sequence[Column], setting: Setting) -> None:
    if column.kind is not Kind.STRING or column.geometry_format:
        return
    known = concepts(column.name)
    values = _values(column)
    if not values or len(values) < 2 or max(map(len, values)) > 150:
        return
    mean = sum(map(len, values)) / len(values)
    if mean > 60 or known & {"street", "url", "email", "code", "postcode", "date", "address", "sex"}:
        return
    titled = known & {"first_name", "last_name", "full_name"}
    person = "person" in known
    given, shape, place = person_share(values)
    if _cyrillic(values):
        patronymic = _share(values, lambda v: any(_PATRONYMIC.search(t) for t in v.split()[1:]))
        initials = _share(values, lambda v: re.fullmatch(r"[А-ЯЁІЇЄ][а-яёіїє'-]+\s+[А-ЯЁІЇЄ]\.\s?[А-ЯЁІЇЄ]\.", v))
        if patronymic >= 0.3 or initials >= 0.5 or (titled and shape >= 0.5):
            _mark(
                column,
                "name",
                "identifier",
                "the values are names with patronymics" if patronymic >= 0.3 else "name of a person by its header",
            )
        return
    if titled or person:
        if _share(values, _HANGUL_NAME.fullmatch) >= 0.6 or (
            _share(values, _HAN_NAME.fullmatch) >= 0.7 and (titled or not setting.counts)
        ):
            _mark(column, "name", "identifier", "the header and the length of the values are those of names")
            return
    if titled and not known & {"count"}:
        both = {"first_name", "last_name"} <= set().union(*(concepts(c.name) for c in columns))
        single = bool(titled & {"first_name", "last_name"})
        # "nome", "ad", "imie" and their like are also the words for any name: their values must be persons'
        if (
            given >= 0.25
            or (single and both and place < 0.1)
            or ("last_name" in titled and place < 0.1 and _wordlike(values))
        ):
            _mark(
                column,
                "name",
                "identifier",
                "name of a person by its header" if given < 0.25 else f"{given:.0%} of the values hold given names",
            )
            return
    if person and place < 0.35 and given >= 0.12 and not (known & {"organisation", "facility", "code"} and given < 0.5):
        _mark(column, "name", "identifier", f"{given:.0%} of the values hold given names")
        return
    if known & {"facility", "organisation", "street"} or setting.counts and not person:
        return
    distinct = column.distinct / max(1.0, column.filled)
    if (
        given >= (0.6 if "name" in known else 0.75)
        and shape >= 0.7
        and place < 0.05
        and (distinct > 0.1 or column.distinct > 30)
        and len(values) >= 8
    ):
        _mark(column, "name", "identifier", f"{given:.0%} of the values hold given names")


def _wordlike(values: Sequence[str]) -> bool:
    return _share(values, lambda v: len(_tokens(v)) <= 3 and all(t.isalpha() for t in _tokens(v))) >= 0.9


def _cyrillic(values: Sequence[str]) -> bool:
    return _share(values, lambda v: re.search(r"[А-Яа-яІЇЄґ]", v)) >= 0.5


# --- attributes of persons


def _attribute(column: Column, setting: Setting) -> None:
    known = concepts(column.name)
    values = _values(column)
    if not values:
        return
    single = setting.persons or setting.owners or (not setting.counts)
    if "birth" in known and not known & {"count", "place"}:
        years = (
            column.kind is Kind.INTEGER
            and _share([str(int(n)) for n in column.numbers[:200]], lambda v: re.fullmatch(r"(18|19|20)\d\d", v)) >= 0.9
        )
        if column.kind in (Kind.DATE, Kind.TIMESTAMP) or (years and "year" in known | {"year"} and not setting.counts):
            _mark(column, "birth-date", "quasi", "its name speaks of birth and its values are dates or years")
            return
    if "person_id" in known and column.kind in (Kind.STRING, Kind.INTEGER) and column.distinct > 5:
        _mark(column, "person-id", "identifier", "the number of a person")
        return
    if "username" in known and column.kind is Kind.STRING and column.distinct > 5 and not setting.offices:
        _mark(column, "person-id", "identifier", "the name a person uses")
        return
    if "ip" in known and _share(values, _IP.fullmatch) > 0.5:
        _mark(column, "ip-address", "identifier", "network addresses")
        return
    if "plate" in known and column.kind is Kind.STRING:
        if _share(values, _PLATE.fullmatch) >= 0.7 and column.distinct >= 0.3 * column.filled:
            _mark(column, "plate", "identifier", "its name and its values are those of number plates")
            return
    if (
        "iban" in known
        and column.kind is Kind.STRING
        and _share(values, lambda v: sum(c.isdigit() for c in v) >= 10) > 0.7
    ):
        _mark(column, "iban", "identifier", "its name speaks of a bank account")
        return
    if not single or setting.offices and not (setting.persons or setting.owners or _one_person_a_row(column)):
        return
    if "age" in known and not known & {"code", "count", "case", "facility"} and column.kind is Kind.INTEGER:
        low, high = (min(column.numbers), max(column.numbers)) if column.numbers else (0, 0)
        if low >= 0 and 15 <= high <= 125 and column.distinct > 5:
            _mark(column, "age", "quasi", "ages of single persons")
        return
    if "sex" in known and column.distinct <= 8 and not known & {"count", "facility"} and _sexes(values):
        _mark(column, "sex", "quasi", "sex of single persons")
        return
    if setting.persons or setting.owners or _one_person_a_row(column):
        for concept, kind, role in (
            ("nationality", "nationality", "quasi"),
            ("ethnicity", "origin", "sensitive"),
            ("religion", "religion", "sensitive"),
            ("health", "health", "sensitive"),
            ("income", "income", "sensitive"),
            ("marital", "family", "quasi"),
            ("occupation", "occupation", "quasi"),
        ):
            if concept in known and not known & {"count", "code"} and (setting.persons or setting.owners):
                _mark(column, kind, role, "it tells about the person of the row")
                return


def _one_person_a_row(column: Column) -> bool:
    return bool(
        {"voter", "patient", "victim", "perp", "student", "employee", "pupil", "resident", "elector"}
        & set(words(column.name))
    )


def _sexes(values: Sequence[str]) -> bool:
    known = {
        "m", "f", "h", "v", "w", "k", "d", "male", "female", "man", "woman", "hombre", "mujer", "masculino", "femenino", "feminino", "homme", "femme",
        "masculin", "feminin", "uomo", "donna", "maschio", "femmina", "maschile", "femminile", "mann", "frau", "mannlich", "weiblich", "divers",
        "vrouw", "kobieta", "mezczyzna", "muz", "zena", "no", "ferfi", "nainen", "mies", "kvinde", "kvinna", "mand", "erkek", "kadin", "мужской",
        "женский", "м", "ж", "남", "여", "남자", "여자", "남성", "여성", "男", "女", "男性", "女性", "home", "dona", "barbat", "femeie", "muski", "zenski",
        "0", "1", "2", "9", "u", "x", "other", "unknown", "o", "n", "kj", "ذكر", "أنثى", "homem", "mulher", "masc", "fem", "musko", "zensko",
    }  # fmt: skip
    return _share(values, lambda v: plain(v) in known) >= 0.6


# --- telephone and address: a person's or an office's?


def _contact(column: Column, setting: Setting, country: str) -> None:
    known = concepts(column.name)
    values = _values(column)
    if not values:
        return
    of_person = setting.persons or setting.owners or setting.private
    if known & {"phone", "fax"} and column.kind in (Kind.STRING, Kind.INTEGER) and not known & {"count", "flag"}:
        like = _share(values, lambda v: _PHONE.search(v) and sum(c.isdigit() for c in v) >= 6)
        if like >= 0.5:
            mobile = _share(values, _mobile)
            if of_person or mobile >= 0.5 or not setting.offices:
                _mark(
                    column,
                    "phone",
                    "identifier",
                    "telephone numbers" + (", many of them mobile" if mobile >= 0.3 else ""),
                )
            else:
                column.doubts.append("These look like telephone numbers of offices; look whether any is a person's.")
        return
    if column.kind is Kind.STRING and not known and _share(values, _international) >= 0.8 and len(values) >= 5:
        _mark(column, "phone", "identifier", "the values are written like telephone numbers")
        return
    if "address" in known and column.kind is Kind.STRING and not known & {"code", "flag", "count", "url"}:
        numbered = _share(values, lambda v: any(c.isdigit() for c in v))
        lengthy = sum(map(len, values)) / len(values) >= 8 or not values[0].isascii()
        typed = {"type", "tipo", "typ", "tipus"} & set(words(column.name))
        if numbered < 0.3 or not lengthy or typed or column.distinct < 3:
            return
        home = known & {"home"} and not setting.offices
        if of_person or (setting.cases and not setting.counts) or home:
            _mark(
                column,
                "address",
                "identifier" if not setting.cases else "quasi",
                "addresses with house numbers"
                + (
                    " of reported places, often homes"
                    if setting.cases and not of_person
                    else " in a table that names persons"
                ),
            )


def _mobile(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return bool(
        re.match(
            r"(?:(?:00)?(?:34)?[67]\d{8}$|(?:00)?(?:33)?0?[67]\d{8}$|(?:00)?(?:39)?3[2-9]\d{7,8}$|(?:00)?49?0?1[5-7]\d{8,9}$|(?:00)?(?:44)?0?7\d{9}$|"
            r"010\d{7,8}$|(?:00)?(?:31)?0?6\d{8}$|(?:00)?351?9\d{8}$|(?:55)?\d{2}9\d{8}$|0[789]0\d{8}$|1[3-9]\d{9}$)",
            digits,
        )
    )


def _international(text: str) -> bool:
    return bool(_PHONE.fullmatch(text)) and (
        text.startswith(("+", "00", "(")) and 9 <= sum(c.isdigit() for c in text) <= 14
    )
