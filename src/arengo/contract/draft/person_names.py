# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Names of persons: given names of many languages, patronymics, the shape of Korean, Chinese and Japanese names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from arengo.contract.draft.column import Column
from arengo.contract.draft.given_names import COMMON_WORDS, NAMES
from arengo.contract.draft.naming import latin
from arengo.contract.draft.setting import Setting, mark, share_of, some_values
from arengo.contract.draft.surnames import MORE_NAMES, SURNAME_END, SURNAMES
from arengo.contract.draft.words import concepts, plain
from arengo.contract.model import Kind

_PATRONYMIC = re.compile(r"(?:ович|евич|ич|овна|евна|ична|івна|йович)$", re.IGNORECASE)
_HANGUL_NAME = re.compile(
    r"[김이박최정강조윤장임한오서신권황안송류홍전고문손양배백허남심노하곽성차주우구민진나지엄채원천방공현함변염여추도소석선설마길연위표명기반왕금옥육인맹제모][가-힣○*]{1,3}"
)
_HAN_NAME = re.compile(r"[\u4e00-\u9fff]{1,3}[ \u3000]?[\u4e00-\u9fff]{1,3}")
_PLACE_WORDS = frozenset(
    """
    rue avenue av calle c carrer via viale piazza plaza plaça placa strasse str straat ulica ul road street st rd
    ave boulevard blvd bd place parc park parque jardin jardi giardino school escuela escola ecole scuola schule
    college colegio liceo lycee hospital clinica clinic iglesia church eglise chiesa kirche centro centre center
    zentrum museo museum musee biblioteca library bibliotheque station estacion stazione gare bahnhof hotel
    restaurant bar cafe ltd inc sa sl srl spa gmbh ag sarl sas llc ltda bv nv ab as oy kg ev associacio
    association asociacion associazione verein club federation fundacion fondazione fondation stiftung institut
    instituto istituto universidad universite universita university ministerio comune ayuntamiento mairie
    municipio gemeinde comite comunidad cooperativa barrio district quartier distrito sector zona norte sur este
    oeste nord sud est ouest puente ponte pont bridge rio fleuve lago lac monte mont piscina polideportivo
    stadium estadio stade teatro theatre theater cine mercado market residencia residence torre edificio casa
    casal caserne caserma puerto port playa linea line ligne paseo passeig pg passatge travessera ronda camino
    chemin allee impasse quai cours villa complexe espace salle gymnase maison parking aparcamiento fuente font
    source km carretera autopista department services service council committee company group agency bureau
    office pharmacie farmacia apotheke apteka lekarna gyogyszertar ceip ies cp eei ceif sies asilo nido ludoteca ospedale
    grundschule realschule gymnasium kita skola szkola przedszkole zlobek skolka ms zs ovoda iskola gradinita liceul scoala
    vrtic osnovna paivakoti koulu vuxenskolan forskola kindergarten creche parada fermata arret haltestelle zastavka
    gardens ground recreation statue monumento monument statua fontaine fontana ville metropole city syndicat commune
    etat region land kreis stadt stad kommun kunta kaupunki gmina miasto powiat obec mesto varos onkormanyzat primaria
    privado particulier private publico municipal settore sector ufficio oficina area direction concejalia delegacion
    consorzio unione coop onlus asd ssd aps odv osk sp zoo spol sro kft zrt bt oyj snc sas eurl ohg co ug ltda cia
    inversiones construcciones comercial transportes talleres editorial grupo hermanos hnos hijos ditta edilizia
    costruzioni autotrasporti immobiliare bau verlag firma przedsiebiorstwo uslugi zaklad stowarzyszenie fundacja sdruzeni
    egyesulet alapitvany asociatia fundatia udruga drustvo yhdistys forening stichting vereniging gemeente provincie bedrijf
    """.split()
)
_TITLES = frozenset(
    """
    sig sigra dott dottssa dr dra prof ing avv arch geom mr mrs ms miss sir mme mlle monsieur madame herr frau don dona sr
    sra srta senor senora lic mgr mudr judr phd bc hr fru pan pani dhr mevr
    """.split()
)
_PARTICLES = frozenset(
    """
    de del della dello di da dos das do la las los le van von der den ten ter el al bin ben ibn y i e und mc mac
    o d l du des zu
    """.split()
)


_GREEK = re.compile(r"[\u0370-\u03ff]")


def _tokens(text: str) -> list[str]:
    low = plain(text)
    if _GREEK.search(low):  # as such names are written in Latin letters (ELOT 743)
        low = latin(low).casefold()
        for digraph, letters in (("oy", "ou"), ("ay", "av"), ("ey", "ev"), ("gg", "ng")):
            low = low.replace(digraph, letters)
    return [token for token in re.split(r"[\s,.\-/&()'’]+", low) if token]


def _given(token: str) -> bool:
    return token in NAMES or token in MORE_NAMES


def _surname(token: str) -> bool:
    return token in SURNAMES or SURNAME_END.fullmatch(token) is not None


def person_share(values: Sequence[str]) -> tuple[float, float, float]:
    """Shares of values with a given name, of the shape of a full name, with a word of a place or firm.

    A word that comes again and again in front or at the end (*CEIP*, *Gardens*) is a word of places.
    """
    given = shape = place = 0
    listed = [tokens for text in values if (tokens := _tokens(text))]
    again = _repeated(listed)
    for text in values:
        tokens = _tokens(text)
        if not tokens:
            continue
        strong = [t for t in tokens if _given(t) and t not in COMMON_WORDS]
        weak = [t for t in tokens if _given(t)]
        given += bool(strong) or (len(weak) >= 1 and 2 <= len(tokens) <= 4)
        core = [t for t in tokens if t not in _PARTICLES and t not in _TITLES]
        alphabetic = all(t.isalpha() for t in core)
        shape += alphabetic and 2 <= len(core) <= 5 and (text[:1].isupper() or text.isupper())
        place += any(t in _PLACE_WORDS or t in again for t in tokens)
    n = len(values) or 1
    return given / n, shape / n, place / n


def _repeated(listed: Sequence[Sequence[str]]) -> frozenset[str]:
    """Words that a third of many values begin or end with, and that are no names."""
    if len(listed) < 12:
        return frozenset()
    ends = Counter(token for tokens in listed for token in {tokens[0], tokens[-1]} if len(tokens) > 1)
    return frozenset(
        token for token, n in ends.items()
        if n >= 0.3 * len(listed) and not _given(token) and not _surname(token) and token not in _TITLES
        and token not in _PARTICLES and len(token) > 1
    )  # fmt: skip


def surname_share(values: Sequence[str]) -> float:
    """Share of values with a frequent surname or a word that ends like one."""
    return share_of(values, lambda v: any(_surname(t) for t in _tokens(v)))


_OTHER_SCRIPT = re.compile(
    r"[\u0370-\u03ff\u0400-\u04ff\u0590-\u05ff\u0600-\u06ff\u0900-\u0dff\u0e00-\u0eff\u10a0-\u10ff\u1200-\u137f]"
)
_FIRM = re.compile(
    r"(?:^|\s)(?:شركة|مؤسسة|مطعم|مخبز|صيدلية|مدرسة|مستشفى|بلدية|مكتب|محل|جمعية|مركز|شارع|حي|εταιρεια|δημος|σχολειο|νοσοκομειο|συλλογος|οδος|πλατεια|"
    r"ο\.?\s?ε|α\.?\s?ε|ε\.?\s?π\.?\s?ε|חברה|בעמ|עיריית|עמותת|רחוב|شرکت|بانک|خیابان|ооо|оао|зао|пао|ао|гбоу|мбоу|тов|кп|фоп|еоод|оод|ад|"
    r"школа|улица|вулиця|компания|общество|лимитед|प्राइवेट|विद्यालय|कंपनी)(?:\s|$|\.|\")",
    re.IGNORECASE,
)


def _letters_only(text: str) -> bool:
    """Two to five words of letters: the shape of a name in a script without capitals."""
    parts = text.replace(".", " ").replace("'", "").replace("-", " ").split()
    return 2 <= len(parts) <= 5 and not re.search(r"[\d/:;@#%]", text) and len(text) <= 60


def _named(column: Column, reason: str) -> None:
    """Mark the names; those of candidates and of who proposes a public project are public by their office."""
    if "public_role" in concepts(column.name):
        column.doubts.append(
            "These look like names of persons in a public office or candidacy; look whether all of them may be published."
        )
        column.options["public_role"] = True
    else:
        mark(column, "name", "identifier", reason)


def look(column: Column, columns: Sequence[Column], setting: Setting) -> None:
    if column.kind is not Kind.STRING or column.geometry_format:
        return
    known = concepts(column.name)
    values = some_values(column)
    if not values or len(values) < 2 or max(map(len, values)) > 150:
        return
    mean = sum(map(len, values)) / len(values)
    if mean > 60 or known & {"street", "url", "email", "code", "postcode", "date", "address", "sex"}:
        return
    titled = known & {"first_name", "last_name", "full_name"}
    person = "person" in known
    given, shape, place = person_share(values)
    if known & {"holder", "sure_name"} and share_of(values, _OTHER_SCRIPT.search) >= 0.7:
        firms = share_of(values, lambda v: _FIRM.search(plain(v)))
        lettered = share_of(values, _letters_only)
        if lettered >= 0.7 and firms < 0.3 and not known & {"organisation", "code"}:
            _named(column, "its name speaks of a person and the values have the shape of names")
        elif lettered >= 0.3 and "code" not in known:
            column.doubts.append("Some of these may be names of persons.")
        return
    if "sure_name" in known and shape >= 0.7 and place < 0.05 and "organisation" not in known:
        _named(column, "name of a person by its header")
        return
    if _cyrillic(values):
        patronymic = share_of(values, lambda v: any(_PATRONYMIC.search(t) for t in v.split()[1:]))
        initials = share_of(values, lambda v: re.fullmatch(r"[А-ЯЁІЇЄ][а-яёіїє'-]+\s+[А-ЯЁІЇЄ]\.\s?[А-ЯЁІЇЄ]\.", v))
        if patronymic >= 0.3 or initials >= 0.5 or (titled and shape >= 0.5):
            _named(
                column,
                "the values are names with patronymics" if patronymic >= 0.3 else "name of a person by its header",
            )
        return
    if (titled or person) and (
        share_of(values, _HANGUL_NAME.fullmatch) >= 0.6
        or (share_of(values, _HAN_NAME.fullmatch) >= 0.7 and (titled or not setting.counts))
    ):
        _named(column, "the header and the length of the values are those of names")
        return
    if setting.counts and not (known & {"last_name", "full_name"} or person):
        return  # baby names and their like
    if titled and not known & {"count"}:
        both = {"first_name", "last_name"} <= set().union(*(concepts(c.name) for c in columns))
        single = bool(titled & {"first_name", "last_name"})
        # "nome", "ad", "imie" and their like are also the words for any name: their values must be persons'
        if (
            given >= 0.25
            or (single and both and place < 0.1)
            or ("last_name" in titled and place < 0.1 and _wordlike(values))
            or (place < 0.1 and _wordlike(values) and surname_share(values) >= 0.3)
            or (place < 0.1 and setting.persons and _wordlike(values) and column.distinct > 5)
        ):
            _named(
                column,
                "name of a person by its header" if given < 0.25 else f"{given:.0%} of the values hold given names",
            )
            return
    if person and place < 0.35 and given >= 0.12 and not (known & {"organisation", "facility", "code"} and given < 0.5):
        _named(column, f"{given:.0%} of the values hold given names")
        return
    if (
        person
        and place < 0.1
        and not known & {"organisation", "facility", "code"}
        and _holds_names(column, values, shape)
    ):
        _named(column, "its name speaks of a person and the values have the shape of names")
        return
    if (
        "name" in known
        and place < 0.1
        and _wordlike(values)
        and surname_share(values) >= 0.2
        and _beside_first(column, columns)
    ):
        _named(column, "surnames beside a column of given names")
        return
    if "name" in known and given >= 0.3 and place < 0.1:
        listed = share_of(values, lambda v: re.fullmatch(r"[^\W\d][^\d,]+, [^\W\d][^\d,]*", v))
        beside = any(
            "last_name" in concepts(c.name) and abs(c.index - column.index) <= 2 for c in columns if c is not column
        )
        if beside or (listed >= 0.7 and not known & {"facility", "organisation"}):
            _named(column, f"{given:.0%} of the values hold given names")
            return
    if known & {"organisation"} and given >= 0.5 and shape >= 0.7 and place < 0.05 and surname_share(values) >= 0.4:
        _named(column, f"{given:.0%} of the values hold given names")
        return
    if known & {"facility", "organisation", "street"} or (setting.counts and not person):
        if "organisation" in known and given >= 0.05 and place < 0.9:
            column.doubts.append("Some of these may be names of persons.")
        return
    if "holder" in known and given < 0.12 and shape >= 0.7 and place < 0.1 and column.distinct > 3:
        column.doubts.append("Some of these may be names of persons.")
        return
    distinct = column.distinct / max(1.0, column.filled)
    varied = column.distinct >= 0.5 * column.filled and column.distinct >= 15
    if given >= 0.5 and varied and shape >= 0.8 and place < 0.05 and surname_share(values) >= 0.4:
        _named(column, f"{given:.0%} of the values hold given names, and many a surname")
        return
    if (
        given >= (0.6 if "name" in known else 0.75)
        and shape >= 0.7
        and place < 0.05
        and (distinct > 0.1 or column.distinct > 30)
        and len(values) >= 8
    ):
        _named(column, f"{given:.0%} of the values hold given names")


def _holds_names(column: Column, values: Sequence[str], shape: float) -> bool:
    """Two to five capitalised words that hardly ever come twice, or surnames among them."""
    varied = column.distinct >= 8 and column.distinct >= 0.5 * column.filled
    known = surname_share(values)
    return (shape >= 0.7 and (known >= 0.25 or (varied and known >= 0.05))) or (known >= 0.6 and _wordlike(values))


def _beside_first(column: Column, columns: Sequence[Column]) -> bool:
    return any(
        "first_name" in concepts(c.name) and abs(c.index - column.index) <= 2 for c in columns if c is not column
    )


def _wordlike(values: Sequence[str]) -> bool:
    return share_of(values, lambda v: len(_tokens(v)) <= 3 and all(t.isalpha() for t in _tokens(v))) >= 0.9


def _cyrillic(values: Sequence[str]) -> bool:
    return share_of(values, lambda v: re.search(r"[А-Яа-яІЇЄґ]", v)) >= 0.5
