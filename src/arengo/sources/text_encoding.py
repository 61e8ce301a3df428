# ruff: noqa: E501, RUF100 - long patterns and letters read better on one line
"""Which encoding a text file is in, decided by evidence.

A byte order mark or strict UTF-8 settles most files. For the rest every candidate code page is tried and the
bytes are scored as letters: how probable are these accented letters, inside words, in one of the languages that
use this code page? (A model of letter frequencies per language, in :data:`LATIN` and beside it; no dictionary.)
"""

from __future__ import annotations

import codecs
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Non-ASCII letters of each language, most frequent first.
LATIN: dict[str, str] = {
    "es": "óíáéñúü",
    "fr": "éèàêçôîûâùœëïüæ",
    "it": "àèùòìéîó",
    "pt": "ãçéáíóêõâúôàü",
    "ca": "óàéíèòçúïüñ",
    "de": "üäöß",
    "nl": "ëéïèöü",
    "sv": "äåöé",
    "da": "øåæé",
    "fi": "äöåé",
    "is": "áðíéóöþúýæ",
    "et": "äõüöšž",
    "sq": "ëç",
    "wo": "ëéóñàŋ",
    "pl": "łąęóżćśńź",
    "cs": "íáéěřščžýůúňťďó",
    "sk": "áíéčľžšýťúňôďäóĺŕ",
    "hu": "áéöóőüíúű",
    "hr": "čšžćđ",
    "ro": "ăâîșțşţ",
    "tr": "ıüşöçğİâ",
    "lt": "ėšųžįąūčę",
    "lv": "āīēšūņļžčķģ",
}
OTHER: dict[str, str] = {
    "ru": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "uk": "оанитвреіслкдмупязьгйчбхцжїшєщюфґ",
    "bg": "аоиетнрсвлкдпмзгуъябчщжцхшйфюь",
    "sr": "аоиенрстјкувдлпмзгбцчшћжхљњђфџ",
    "el": "αοιετσνηυρπκμλςάίόωέδήγύχθφβξώζψϊϋ",
    "he": "ויהלאתרמבשנדםקעחפטסגזצןכךץףת",
    "ar": "اليمنترةوبدعسهفقحكشجصأطخىزذضثغئظإءؤآ",
    "th": "านรอกเงมยลวดทสตะปบคหแจพชขใไโผถฟศธฐภณซษฉฮญ่้ิีึืุูั็์",
}
_HANGUL = (
    "동구시서대산남주소정인수강성천경부중원북전청고장사용지제도가신상화공기계일안영양광이관명세관번호면읍리로길월년합분별총여자역학교"
    "환발생건내외평은보해운행금오아마하나다라의를을는에한과와및유무비율액종류형설치물센터체연락처위경도"
)
_HANZI = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严街镇村街道乡河桥站址编码地址经度纬度"
_HANZI_T = "臺灣區鄉鎮縣號電話機關學數據總計圖書館國產業農會設備時間開發環境經濟營運車輛鐵路線點類別轉從為與個這來對應無聯絡單後過還實種當務內廣報導長門問題員變條義處結論體語歲歷史樣價達選舉層標準證場縣市里鄰鄉名稱地址經緯度"
_KANA = "".join(chr(c) for c in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FD)))

_SYMBOLS = "°ºª«»“”„‘’–—…€£·•²³µ§©®¿¡×½¼´™№\xa0"
_IN_WORD = "’·‘\xad"

CODECS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("windows-1252", ("es", "fr", "it", "pt", "ca", "de", "nl", "sv", "da", "fi", "is", "et", "sq")),
    ("windows-1250", ("pl", "cs", "sk", "hu", "hr", "ro", "de")),
    ("iso-8859-2", ("pl", "cs", "sk", "hu", "hr", "ro")),
    ("windows-1254", ("tr",)),
    ("windows-1257", ("lt", "lv", "et")),
    ("windows-1251", ("ru", "uk", "bg", "sr")),
    ("koi8-u", ("ru", "uk")),
    ("cp866", ("ru",)),
    ("windows-1253", ("el",)),
    ("windows-1255", ("he",)),
    ("windows-1256", ("ar",)),
    ("cp874", ("th",)),
    ("cp850", ("es", "fr", "it", "pt", "ca", "de", "da", "sv")),
    ("cp852", ("pl", "cs", "sk", "hu", "hr")),
    ("mac-roman", ("es", "fr", "it", "pt", "ca", "de", "da", "sv")),
    ("cp949", ("ko",)),
    ("cp932", ("ja",)),
    ("euc-jp", ("ja",)),
    ("gb18030", ("zh",)),
    ("big5", ("zh-tw",)),
)
WIDE = frozenset({"cp949", "cp932", "euc-jp", "gb18030", "big5"})
_RARE, _NEVER = math.log(1e-5), math.log(1e-9)
_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_UTF8_RUN = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True, slots=True)
class Encoding:
    """``name``: a Python codec. ``fallback``: codec of the lines that are no UTF-8 in a file of two encodings.

    ``sure``: False when no evidence singled the answer out; the draft then asks a person.
    """

    name: str
    fallback: str = ""
    sure: bool = True


def by_mark(head: bytes) -> str:
    """Encoding named by a byte order mark or, without one, by the zero bytes of UTF-16; '' when neither speaks."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return name
    piece = head[:4096]
    if len(piece) >= 8 and b"\0" in piece:
        even, odd = piece[0::2].count(0) / len(piece[0::2]), piece[1::2].count(0) / len(piece[1::2])
        if odd > 0.4 and even < 0.1:
            return "utf-16-le"
        if even > 0.4 and odd < 0.1:
            return "utf-16-be"
        newlines = re.findall(rb"\n\x00|\x00\n", piece)
        if newlines and piece.count(0) > 0.05 * len(piece):
            return "utf-16-le" if piece.count(b"\n\0") >= piece.count(b"\0\n") and not len(piece) % 2 else "utf-16-be"
    return ""


def by_letters(lines: list[bytes]) -> Encoding:
    """Encoding of lines that hold non-ASCII bytes and have no mark. Empty input is UTF-8."""
    lines = [line for line in lines if not line.isascii()]
    if not lines:
        return Encoding("utf-8")
    good: list[bytes] = []
    bad: list[bytes] = []
    for line in lines:
        (good if _is_utf8(line) else bad).append(line)
    if not bad:
        return Encoding("utf-8")
    # A legacy line is UTF-8 by accident only when it holds one or two such pairs; true UTF-8 lines come in numbers.
    if good and bool(len(good) >= 0.02 * len(lines) and sum(len(_UTF8_RUN.findall(line)) for line in good) >= 3):
        legacy = _legacy(bad)
        if len(good) > len(bad) or legacy.name not in WIDE:
            return Encoding("utf-8", fallback=legacy.name, sure=legacy.sure)
    return _legacy(lines)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _legacy(lines: list[bytes]) -> Encoding:
    words = list(dict.fromkeys(word for line in lines[:4000] for word in _WORD.findall(line)))[:3000]
    scored = []
    for codec, languages in CODECS:
        if codec in WIDE:
            score = _score_wide(lines[:400], codec, languages[0])
        else:
            score = _score_narrow(words, codec, languages)
        scored.append((score, codec))
    scored.sort(key=lambda pair: -pair[0])
    best, name = scored[0]
    return Encoding(name, sure=best > -6.5 and (len(words) >= 3 or name == "windows-1252"))


def _score_narrow(words: list[bytes], codec: str, languages: tuple[str, ...]) -> float:
    """Mean log probability of a non-ASCII byte under the best fitting language of the code page."""
    seen: Counter[tuple[str, bool, bool]] = Counter()
    for raw in words:
        word = raw.decode(codec, errors="replace")
        upper = word.isupper() or sum(c.isupper() for c in word) > 0.6 * len(word)
        for index, char in enumerate(word):
            if char.isascii():
                continue
            inside = 0 < index < len(word) - 1 and word[index - 1].isalpha() and word[index + 1].isalpha()
            mixed = ord(char) >= 0x370 and char.isalpha() and any(c.isascii() and c.isalpha() for c in word)
            flip = mixed or (char.isupper() and index > 0 and word[index - 1].islower()) or (char.islower() and upper)
            seen[char, inside, flip] += 1
    total = sum(seen.values())
    if not total:
        return -99.0
    best = -99.0
    loan: dict[str, float] = {}  # letters of the code page's other languages turn up in names of places
    for language in languages:
        for letter, p in _model(language).items():
            loan[letter] = max(loan.get(letter, -99.0), p - 3.5)
    for language in languages:
        model = {**loan, **_model(language)}
        value = 0.0
        for (char, inside, flip), n in seen.items():
            p = model.get(char.lower(), model.get(char, _RARE if char.isalpha() else _NEVER))
            if char in _SYMBOLS:
                p = _RARE if inside and char not in _IN_WORD else math.log(0.003)
            if flip:
                p -= 4.0
            value += n * p
        best = max(best, value / total)
    return best


@cache
def _model(language: str) -> dict[str, float]:
    letters = LATIN.get(language) or OTHER[language]
    weights = [1 / (place + 1.5) for place in range(len(letters))]
    whole = sum(weights)
    return {char: math.log(0.9 * weight / whole) for char, weight in zip(letters, weights, strict=True)}


@cache
def _wide_model(language: str) -> tuple[frozenset[str], float, float]:
    """Common characters, log probability of one of them, of another of the script."""
    common = {"ko": _HANGUL, "ja": _KANA + _HANZI_T + _HANZI, "zh": _HANZI, "zh-tw": _HANZI_T + _HANZI}[language]
    chars = frozenset(common)
    return chars, math.log(0.75 / len(chars)), math.log(0.2 / 8000)


def _score_wide(lines: list[bytes], codec: str, language: str) -> float:
    """Mean log probability of a non-ASCII byte when read as two-byte characters of one language."""
    common, often, seldom = _wide_model(language)
    value, count = 0.0, 0
    for line in lines:
        text = line.decode(codec, errors="replace")
        for char in text:
            if char.isascii():
                continue
            code = ord(char)
            count += 2
            if char == "�":
                value += 2 * _NEVER
            elif char in common:
                value += often
            elif language == "ko" and 0xAC00 <= code <= 0xD7A3:
                value += math.log(0.2 / 2350)
            elif 0x4E00 <= code <= 0x9FFF and language != "ko":
                value += seldom
            elif char in _SYMBOLS or 0x3000 <= code <= 0x303F or 0xFF00 <= code <= 0xFF60:
                value += math.log(0.001)
            else:
                value += 2 * _RARE
    return value / count if count else -99.0
