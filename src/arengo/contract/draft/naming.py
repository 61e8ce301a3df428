# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Names people can type: identifiers for columns and datasets, titles for readers.

Latin letters lose their accents; Greek, Cyrillic, Hangul, kana, Hebrew and Arabic are written in Latin letters by
simple tables (readable, not scholarly); what no table covers (Chinese characters) stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import PurePath

_LATIN = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ŋ": "ng", "ə": "e", "ħ": "h",
    "µ": "u", "μ": "u", "²": "2", "³": "3", "º": "", "ª": "", "°": "", "€": "eur", "$": "usd", "£": "gbp", "%": "pct", "‰": "permille",
    "&": "_and_", "@": "_at_", "№": "n", "ǃ": "", "ʻ": "", "’": "_", "'": "_", "≥": "ge_", "≤": "le_", "½": "half", "¼": "quarter",
}  # fmt: skip
_CYRILLIC = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўђћњљџј",
        "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya yo i yi ye g u dj c nj lj dz "
        "j".replace("_", "-").split(),
        strict=True,
    )
)
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        """
    a v g d e z i th i k l m n x o p r s s t y f ch ps o
    """.split(),
        strict=True,
    )
)
_HEBREW = dict(
    zip(
        "אבגדהוזחטיכךלמםנןסעפףצץקרשת",
        """
    a b g d h v z ch t y k k l m m n n s a p f ts ts k r sh t
    """.split(),
        strict=True,
    )
)
_ARABIC = dict(
    zip(
        "اأإآبتثجحخدذرزسشصضطظعغفقكلمنهويىةءئؤپچژگک",
        """
    a a i a b t th j h kh d dh r z s sh s d t z a gh f q k l m n h w y a a - y w p ch zh g k
    """.split(),
        strict=True,
    )
)
_KANA = dict(
    zip(
        "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンガギグゲゴザジズゼゾダヂヅデドバビブベボパピプペポー",
        """
    a i u e o ka ki ku ke ko sa shi su se so ta chi tsu te to na ni nu ne no ha hi fu he ho ma mi mu me mo ya yu
    yo ra ri ru re ro wa o n ga gi gu ge go za ji zu ze zo da ji zu de do ba bi bu be bo pa pi pu pe po -
    """.split(),
        strict=True,
    )
)
_LEAD = "g kk n d tt r m b pp s ss - j jj ch k t p h".replace("-", "").split(" ")
_VOWEL = """
    a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i
    """.split()
_TAIL = [
    "",
    "k",
    "k",
    "k",
    "n",
    "n",
    "n",
    "t",
    "l",
    "k",
    "m",
    "l",
    "l",
    "l",
    "p",
    "l",
    "m",
    "p",
    "p",
    "t",
    "t",
    "ng",
    "t",
    "t",
    "k",
    "t",
    "p",
    "t",
]
_RESERVED = frozenset({"geometry"})


def latin(text: str) -> str:
    """The text in Latin letters where a table knows how."""
    out = []
    han = any(0x4E00 <= ord(char) <= 0x9FFF for char in text)
    for char in text:
        low = char.lower()
        if char.isascii() or (han and 0x3041 <= ord(char) <= 0x30FC):
            out.append(char)
        elif (code := ord(char)) >= 0xAC00 and code <= 0xD7A3:
            code -= 0xAC00
            out.append(_LEAD[code // 588] + _VOWEL[code % 588 // 28] + _TAIL[code % 28])
        elif low in _tables():
            out.append(_tables()[low])
        elif 0x3041 <= ord(char) <= 0x3096:
            out.append(_KANA.get(_big(chr(ord(char) + 0x60)), ""))
        elif 0x30A1 <= ord(char) <= 0x30FC:
            out.append(_KANA.get(_big(char), ""))
        else:
            base = unicodedata.normalize("NFKD", char)
            kept = "".join(part for part in base if not unicodedata.combining(part))
            kept = "".join(_tables().get(part.lower(), part) for part in kept)
            out.append(kept if kept else char if char.isalnum() else " ")
    return "".join(out)


def _big(char: str) -> str:
    """Small kana as their big twins."""
    return chr(ord(char) + 1) if char in "ァィゥェォッャュョヮ" else char


@cache
def _tables() -> dict[str, str]:
    tables = {**_LATIN, **_CYRILLIC, **_GREEK, **_HEBREW, **_ARABIC}
    return {char: "" if text == "-" else text for char, text in tables.items()}


def column_names(names: Iterable[str], geometry: str = "") -> list[str]:
    """snake_case, unique, at most 60 characters, never starting with a digit or ``_``."""
    taken: set[str] = set()
    out = []
    for number, name in enumerate(names, 1):
        base = identifier(name) or f"column_{number}"
        unique, n = base, 2
        while unique in taken or (unique in _RESERVED and name != geometry):
            unique, n = f"{base}_{n}", n + 1
        taken.add(unique)
        out.append(unique)
    return out


def identifier(name: str) -> str:
    """One column name; '' when nothing of it can be used."""
    name = name.replace("%", " pct ").replace("&", " and ").replace("@", " at ")
    name = re.sub(r">=\s*", " ge ", name)
    name = re.sub(r"<=\s*", " le ", name)
    name = re.sub(r">\s*", " gt ", name)
    name = re.sub(r"<\s*", " lt ", name)
    text = latin(_spaced(name))
    text = re.sub(r"[^\w]+", "_", text).lower()
    text = re.sub(r"_+", "_", text).strip("_")
    if len(text) > 60:
        text = text[:60].rsplit("_", 1)[0] if "_" in text[20:60] else text[:60]
    if text[:1].isdigit():
        text = ("y" if re.fullmatch(r"(1[89]|20)\d\d([_a-z].*)?", text) else "n_") + text
    return text if any(char.isalpha() for char in text) else ""


def _spaced(name: str) -> str:
    """camelCase and PascalCase words apart, acronyms kept whole."""
    if name.isupper() or name.islower():
        return name
    return re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])(?![A-ZÀ-Þ]\b)|(?<=[A-ZÀ-Þ])(?=[A-ZÀ-Þ][a-zà-ÿ]{2})", "_", name)


def dataset_id(name: str) -> str:
    """kebab-case id out of a file or table name."""
    text = re.sub(r"[^\w]+|_", "-", latin(_spaced(stem(name)))).lower()
    text = re.sub(r"[^a-z0-9-]+", "", text)
    text = re.sub(r"-+", "-", text).strip("-")[:60].strip("-")
    if not text or not text[0].isalpha():
        text = f"dataset-{text}".strip("-")
    return text


def stem(name: str) -> str:
    """A file name without its folders and endings."""
    last = PurePath(name.replace("\\", "/")).name
    return (
        re.sub(
            r"(?i)(\.(csv|tsv|txt|xlsx?|xlsm|ods|json|geojson|ndjson|jsonl|parquet|shp|gpkg|kml|kmz|gml|fgb|zip|gz|bz2|xz|pb|dbf|tab|asc|db|sqlite3?))+$",
            "",
            last,
        )
        or last
    )


def title(text: str) -> str:
    """Words for people: ``qualitat_aire_estacions`` -> Qualitat aire estacions."""
    text = re.sub(r"[_\s]+", " ", _spaced(text)).strip()
    text = re.sub(r"\s+", " ", re.sub(r"(?<=[^\W\d])-(?=[^\W\d])", " ", text) if " " not in text else text)
    if text.isupper() and len(text) > 5:
        text = text.lower()
    return text[:1].upper() + text[1:]


def label(name: str) -> str:
    """A column's label: the source's own words, tidied."""
    text = re.sub(r"\s+", " ", name.replace("_", " ")).strip()
    if text.isupper() and len(text) > 4:
        text = text.capitalize()
    elif text.islower():
        text = text[:1].upper() + text[1:]
    return text or name
