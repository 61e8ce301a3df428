# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""What a dataset is about, where its contract does not say: a theme and keywords from its own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from arengo.contract.draft.naming import latin
from arengo.contract.model import Contract, Frozen
from arengo.contract.vocabulary import THEMES

_ROOTS: Mapping[str, str] = {
    "AGRI": "agric farm crop livestock fish forest forêt bosc mercat alimenta agrar",
    "ECON": "econom financ tourism turism hotel trade shop commerc enterpr compan imprese impresa negozi tax tribut wirtschaft",
    "EDUC": "school scuol ecole escuel escola pupil alunn univers librar bibliot museum muse cultur event sport educ kindergarten nido loan",
    "ENER": "energ electric elettric gas heating solar photovolt consumption consum",
    "ENVI": "environ ambient tree alber arbol arbre green verde park air aria quality noise rumor water acqua waste rifiut residu station pm25 pm10 emission climat baum umwelt",
    "GOVE": "budget bilanc spend spes contract appalt council consigl conseil deliber election elezion vote vot staff personal office report request amministr govern permit permess tender participat",
    "HEAL": "health salut sanit hospital osped pharmac farmac covid vaccin",
    "JUST": "crime police polizia court giustiz accident incident safety sicurezz",
    "REGI": "boundar confin distret district barri neighbour quartier quarter limit municip comun street via rue calle address indirizz toponym grid territ parcel",
    "SOCI": "populat popolaz poblac person famil resident demograph census censiment padr birth nascit naissance death marriage social housing accessib age sex income",
    "TECH": "science research internet wifi digital innovat sensor",
    "TRAN": "transport trasport traffic traffico bus tram metro bike bici parking parchegg stop fermat route trip gtfs road mobil veloc comptage verkehr",
}
_THEME_ROOTS = {theme: tuple(latin(words).lower().split()) for theme, words in _ROOTS.items()}
_STOP = frozenset(
    "the of and in to for with by from on at all per data dataset list elenco lista dati delle della degli dei del di e il la le lo gli un una "
    "les des du de et en la el los las y per amb der die das und von für im a an open table file csv 2014 2015 ville sample".split()
)


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W\d_]{3,}", text.lower()) if word not in _STOP]


def theme_of(contract: Contract) -> str:
    """The EU theme that most of a dataset's words speak for; GOVE, the town hall's own, when none does."""
    score: Counter[str] = Counter()
    parts = ((contract.title(), 4), (contract.id.replace("-", " "), 3), (" ".join(contract.tags), 3))
    columns = " ".join(f"{item.name} {item.title}" for item in contract.properties)
    for text, weight in (*parts, (contract.summary(), 2), (columns, 1)):
        for word in map(latin, _words(text.replace("_", " "))):
            for theme, roots in _THEME_ROOTS.items():
                if word.startswith(roots):
                    score[theme] += weight
    return score.most_common(1)[0][0] if score else "GOVE"


def keywords_of(contract: Contract) -> Mapping[str, tuple[str, ...]]:
    """Language -> keywords: the contract's tags, else the words of its title, else its theme's name."""
    own = contract.language.split("-")[0]
    if contract.tags:
        return Frozen({own: tuple(dict.fromkeys(contract.tags))})
    words = tuple(dict.fromkeys(_words(contract.title())))[:6]
    if words:
        return Frozen({own: words})
    theme = THEMES.get(contract.theme or theme_of(contract))
    return Frozen(en=(theme.label() if theme else "city",))
