# ruff: noqa: E501, RUF100 - word lists read better as text
"""Which of the lines above a table is its title: not the office that wrote it, not the day it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence

_AUTHORITY = re.compile(
    r"\b(?:ayuntamiento|ajuntament|concello|udala|comune|citt[àa] di|mairie|ville de|m[ée]tropole|gemeinde|stadt|landeshauptstadt|"
    r"magistrat|senatsverwaltung|amt|gemeente|kommune?|kommun|kaupunki|city of|county|council|borough|department|ministry|"
    r"urząd|urzad|m[íe]sto|městský|mestsk[ýy]|magistrát|önkormányzat|[öo]nkorm[áa]nyzata?|prim[ăa]ria|consiliul|belediye\w*|"
    r"grad|općina|opština|občina|муниципалитет|администрация|правительство|мэрия|міська рада|община|δήμος|υπουργείο|"
    r"câmara municipal|camara municipal|prefeitura|secretaria|alcald[íi]a|municipalidad|direcci[óo]n general|gobierno|بلدية|أمانة|"
    r"وزارة|עיריית|시청|구청|市役所|人民政府|pemerintah|dinas|ubnd)\b",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"\b(?:stan na|stand|état au|situaci[óo]n a|a fecha|as of|al \d|situazione al|per \d|на \d|date|fecha|datum)\b",
    re.IGNORECASE,
)


def title(above: Sequence[str]) -> str:
    """The line above the table that names it: not the authority, not a date; of two, the longer."""
    best, best_score = "", 0.0
    for place, text in enumerate(above[:8]):
        letters = sum(1 for char in text if char.isalpha())
        if letters < 4 or len(text) > 200:
            continue
        score = min(letters, 60) - 3.0 * place
        if _AUTHORITY.match(text) or (_AUTHORITY.search(text) and letters < 40):
            score -= 40
        if _STATE.match(text) or re.fullmatch(r"[\W\d]*|.*\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\W*", text):
            score -= 30
        if text.rstrip().endswith((".", ":")):
            score -= 20
        if score > best_score or not best:
            best, best_score = text, score
    return best or (above[0] if above else "")
