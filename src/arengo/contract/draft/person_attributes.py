# ruff: noqa: E501, SIM905, RUF100 - word lists and patterns read better on one line
"""What a row tells about its person: birth, age, sex, number, plate, health, income, home's postcode and the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence

from arengo.contract.draft import person_plates
from arengo.contract.draft.column import Column
from arengo.contract.draft.person_headers import AMBIGUOUS_IDS, AMBIGUOUS_PLATES
from arengo.contract.draft.setting import Setting, mark, share_of, some_values
from arengo.contract.draft.words import concepts, plain, words
from arengo.contract.model import Kind

IP = re.compile(r"(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}")
_PLATE = re.compile(
    r"(?=.*[A-Za-zА-Я가-힣Α-Ω])(?=.*\d)[A-Za-zА-Я가-힣Α-Ω0-9][A-Za-zА-Я가-힣Α-Ω0-9 \-·.]{3,9}[A-Za-zА-Я0-9]"
)
_YEAR = re.compile(r"(?:18|19|20)\d\d")
_SHORT_BIRTH = frozenset({"ur", "nar", "geb", "rod", "roj", "nast", "dn", "nato", "nata", "nac", "synt", "born", "ne_le",
                          "fodt", "fodd", "szul", "naix", "nasc"})  # fmt: skip
"""Words for birth that are also other words or abbreviations: their dates must be those of persons."""
_CARDS = ("tarjet", "tesser", "card", "kart", "carte", "kort", "carnet", "cartao", "kaart")
TELLING: tuple[tuple[str, str, str], ...] = (
    ("nationality", "nationality", "quasi"),
    ("ethnicity", "origin", "sensitive"),
    ("religion", "religion", "sensitive"),
    ("politics", "politics", "sensitive"),
    ("offence", "offence", "sensitive"),
    ("health", "health", "sensitive"),
    ("income", "income", "sensitive"),
    ("marital", "family", "quasi"),
    ("occupation", "occupation", "quasi"),
    ("education", "education", "quasi"),
    ("document_id", "document-id", "identifier"),
    ("device", "device-id", "identifier"),
)
"""Concept of a header -> kind and role, in a table whose rows are persons."""
_NOT_A_PERSON = frozenset({"count", "facility", "url", "flag"})


def look(column: Column, setting: Setting) -> None:
    """Mark one column by its name, where the values agree and the table speaks of persons."""
    known = concepts(column.name)
    values = some_values(column)
    if not values:
        return
    single = setting.persons or setting.owners or (not setting.counts and setting.rows)
    if "birth" in known and not known & {"count", "place", "nationality"} and _born(column, setting, single):
        mark(column, "birth-date", "quasi", "its name speaks of birth and its values are dates or years")
        return
    if "plate" in known and column.kind is Kind.STRING and _plates(column, values):
        mark(column, "plate", "identifier", "its name and its values are those of number plates")
        return
    if "person_id" in known and _number(column, known, setting):
        mark(column, "person-id", "identifier", "the number of a person")
        return
    if "username" in known and column.kind is Kind.STRING and column.distinct > 5 and not setting.offices:
        mark(column, "person-id", "identifier", "the name a person uses")
        return
    if "ip" in known and share_of(values, IP.fullmatch) > 0.5:
        mark(column, "ip-address", "identifier", "network addresses")
        return
    if (
        "iban" in known
        and column.kind in (Kind.STRING, Kind.INTEGER)
        and share_of(values, lambda v: sum(c.isdigit() for c in v) >= 10) > 0.7
    ):
        mark(column, "iban", "identifier", "its name speaks of a bank account")
        return
    if not single or (setting.offices and not (setting.persons or setting.owners or one_person_a_row(column))):
        return
    if _age_or_sex(column, known, values, setting):
        return
    if not (setting.persons or (setting.owners and not setting.offices)):
        return
    for concept, kind, role in TELLING:
        if concept not in known or known & _NOT_A_PERSON:
            continue
        if setting.animals and kind in ("origin", "health", "occupation", "education"):
            continue
        if column.kind in (Kind.DATE, Kind.TIMESTAMP, Kind.GEOMETRY) or column.distinct < 2:
            continue
        if role == "identifier" and column.distinct < 0.3 * column.filled:
            continue
        if kind == "income" and setting.cases and not setting.persons:
            continue
        mark(column, kind, role, "it tells about the person of the row")
        return


def _number(column: Column, known: frozenset[str], setting: Setting) -> bool:
    """The city's own number of a person: of a doubtful word only where the rest of the table speaks of persons."""
    if column.kind not in (Kind.STRING, Kind.INTEGER) or column.distinct <= 5 or known & {"count", "date"}:
        return False
    if setting.persons or setting.owners or not ambiguous(column.name):
        return True
    # Cards that come again and again beside exact times are the traces of who carries them.
    again = column.distinct <= 0.8 * column.filled
    return setting.timed and again and any(part.startswith(_CARDS) for part in words(column.name))


def _age_or_sex(column: Column, known: frozenset[str], values: Sequence[str], setting: Setting) -> bool:
    """Age and sex of single persons; of animals only where the header speaks of their owners."""
    if setting.animals and not known & {"person", "holder"}:
        return False
    if "age" in known and not known & {"code", "count", "case", "facility"}:
        if column.kind is Kind.INTEGER:
            low, high = (min(column.numbers), max(column.numbers)) if column.numbers else (0, 0)
            if low >= 0 and (high >= 15 or (setting.persons and high >= 3)) and high <= 125 and column.distinct > 3:
                mark(column, "age", "quasi", "ages of single persons")
                return True
        if column.kind is Kind.STRING:
            numbered = share_of(values, lambda v: any(c.isdigit() for c in v))
            if numbered >= 0.5 and 3 <= column.distinct <= 40:
                mark(column, "age", "quasi", "age groups of single persons")
            return True
    if "sex" in known and column.distinct <= 8 and not known & {"count", "facility"} and sexes(values):
        mark(column, "sex", "quasi", "sex of single persons")
        return True
    return False


def _born(column: Column, setting: Setting, single: bool) -> bool:
    """Dates or years of birth; of a doubtful word only where persons are, or where they reach over a life."""
    if column.kind is Kind.INTEGER:
        years = [n for n in column.numbers[:200] if 1880 <= n <= 2035]
        if setting.counts or len(years) < 0.9 * min(200, len(column.numbers) or 1):
            return False
        reach = max(years) - min(years) if years else 0.0
    elif column.kind in (Kind.DATE, Kind.TIMESTAMP):
        found = [int(y.group()) for text in some_values(column, 200) if (y := re.search(_YEAR, text))]
        reach = max(found) - min(found) if found else 0
    elif column.kind is Kind.STRING:  # written so that no date was read from it
        shaped = share_of(
            some_values(column, 200), lambda v: re.fullmatch(r"[\d./\- ]{6,12}\.?", v) and _YEAR.search(v)
        )
        if shaped < 0.8:
            return False
        reach = 0
    else:
        return False
    doubtful = set(words(column.name)) & _SHORT_BIRTH and not _plainly(column.name)
    return bool(not doubtful or single or reach >= 30) and not (setting.animals and doubtful)


def _plainly(name: str) -> bool:
    """Whether some other word of the header, or words together, speak of birth."""
    parts = words(name)
    return any("birth" in concepts(part) and part not in _SHORT_BIRTH for part in parts)


def ambiguous(name: str) -> bool:
    """Whether a header's word for a person's number may as well be a thing's: *matricola*, *card_no*."""
    parts = words(name)
    windows = {
        "_".join(parts[at : at + size]) for size in (1, 2, 3) for at in range(len(parts) - size + 1)
    }  # fmt: skip
    plainly = {window for window in windows if window not in AMBIGUOUS_IDS and "person_id" in concepts(window)}
    telling = {window for window in plainly if not any(part in AMBIGUOUS_IDS for part in window.split("_"))}
    return not telling and not {w for w in plainly if concepts(w) & {"person", "holder"}}


def _plates(column: Column, values: Sequence[str]) -> bool:
    written = person_plates.share(values)
    if AMBIGUOUS_PLATES & {*words(column.name), "_".join(words(column.name))} and not _surely_plate(column.name):
        return written >= 0.6
    many = column.distinct >= 0.3 * column.filled
    return written >= 0.8 or (many and share_of(values, _PLATE.fullmatch) >= 0.7)


def _surely_plate(name: str) -> bool:
    return any("plate" in concepts(part) for part in words(name) if part not in AMBIGUOUS_PLATES)


def one_person_a_row(column: Column) -> bool:
    return bool(
        {"voter", "patient", "victim", "perp", "student", "employee", "pupil", "resident", "elector"}
        & set(words(column.name))
    )


_SEXES = frozenset(
    """
    m f h v w k d male female man woman hombre mujer masculino femenino feminino homme femme masculin feminin uomo donna
    maschio femmina maschile femminile mann frau mannlich weiblich divers vrouw kobieta mezczyzna muz zena no ferfi nainen
    mies kvinde kvinna mand erkek kadin мужской женский м ж 남 여 남자 여자 남성 여성 男 女 男性 女性 home dona barbat femeie
    muski zenski 0 1 2 9 u x other unknown o n kj ذكر أنثى homem mulher masc fem musko zensko mr mrs ms miss mme mlle mm
    monsieur madame herr sr sra srta sig sig.ra dhr mevr mevrouw meneer pan pani varon nino nina chico chica boy girl b g
    jongen meisje pojke flicka chlapec divka holka fiu lany baiat fata poika tytto junge madchen garcon fille menino menina
    bambino bambina αρρεν θηλυ α θ αγορι κοριτσι mzszcz t p s i
    """.split()  # noqa: SIM905 - a list of words reads better as text
)


def sexes(values: Sequence[str]) -> bool:
    return share_of(values, lambda v: plain(v).rstrip(".") in _SEXES or plain(v) in _SEXES) >= 0.6
