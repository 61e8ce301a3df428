# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Which language a table speaks: by script first, then by its small words and its accented letters."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from arengo.contract.draft.words import plain

WORDS: dict[str, str] = {
    "en": "persons number_of sex count january february march june july august october december monday tuesday "
    "wednesday thursday friday london birmingham county borough agency incident department the of and in to "
    "for with by from on at street road name date number city school year type status total description",
    "es": "validado personas viviendas habitantes codigo barrios estaciones hogares mujeres hombres edad sexo "
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre lunes martes "
    "miércoles jueves viernes madrid sevilla córdoba provincia comuna avda plaza de la el los las del y en "
    "por con para una calle avenida nombre fecha numero año ciudad distrito barrio codigo tipo "
    "direccion municipio poblacion centro dirección código número población descripción estado",
    "pt": "ao na no pessoas domicílios homens mulheres janeiro fevereiro março maio junho julho setembro "
    "outubro novembro dezembro segunda terça lisboa porto paulo janeiro freguesia distrito concelho "
    "matrícula unidade de da do dos das em para com uma rua avenida nome data número ano cidade bairro "
    "código tipo endereço município população "
    "descrição situação não São são órgão escola região",
    "fr": "sur au aux saint habitants effectif janvier février avril juin juillet août septembre octobre "
    "novembre décembre lundi mardi mercredi jeudi vendredi naissance mariage décès paris lyon canton bureau "
    "inscrits votants exercice nom_commune secteur voie de la le les des du et en pour avec une rue avenue "
    "nom date numéro année ville quartier code type adresse commune "
    "libellé association montant école arrondissement nombre",
    "it": "sul al san ai provinciale comunale residenti maschi femmine codice gennaio febbraio marzo aprile "
    "maggio giugno luglio agosto settembre ottobre novembre dicembre lunedì martedì milano roma torino "
    "napoli firenze bologna genova palermo lombardia piemonte veneto toscana lazio codice_fiscale di del "
    "della delle dei il lo gli e in per con una via piazza nome data numero anno città quartiere codice "
    "tipo indirizzo "
    "comune descrizione denominazione provincia zona importo scuola",
    "ca": "gener febrer març maig juny juliol agost setembre octubre novembre desembre dilluns dimarts "
    "barcelona eixample gràcia dona home estació contaminant valor seccio censal de la el els les del i en "
    "per amb una carrer avinguda nom data número any ciutat districte barri codi tipus adreça "
    "municipi població descripció districtes titol títol barris educació desc",
    "de": "am zur zum männlich weiblich personen haushalte januar februar märz april mai juni juli august "
    "september oktober dezember montag dienstag mittwoch berlin münchen hamburg köln bundesland landkreis "
    "kreis stadtteil der die das und von für mit im in den straße strasse name datum nummer jahr stadt "
    "bezirk ortsteil kennung art anzahl "
    "adresse einwohner gemeinde bezeichnung schule",
    "nl": "inwoners mannen vrouwen huishoudens januari februari maart mei juni juli augustus oktober maandag "
    "dinsdag amsterdam rotterdam utrecht stadsdeel wijken de het een en van voor met op straat naam datum "
    "nummer jaar stad wijk buurt soort adres gemeente omschrijving "
    "aantal plaats school",
    "pl": "mężczyźni kobiety osoby mieszkańcy styczeń luty marzec kwiecień maj czerwiec lipiec sierpień "
    "wrzesień październik listopad grudzień warszawa kraków łódź projekt województwo powiat i w na z do dla "
    "ulica nazwa data numer rok miasto dzielnica kod rodzaj adres gmina liczba opis osiedle szkoła",
    "cs": "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec praha brno ostrava "
    "okres kraj a v na z do pro ulice název datum číslo rok město čtvrť kód typ adresa obec počet popis škola",
    "sk": "a v na z do pre ulica názov dátum číslo rok mesto štvrť kód typ adresa obec počet popis škola",
    "hu": "a az és utca név dátum szám év város kerület kód típus cím község leírás iskola",
    "ro": "de la în și cu pentru strada nume data număr an oraș cartier cod tip adresa comuna școala descriere "
    "sectorul",
    "hr": "i u na za od ulica naziv datum broj godina grad četvrt šifra vrsta adresa općina opis škola",
    "sl": "in v na za od ulica naziv datum številka leto mesto četrt šifra vrsta naslov občina opis šola",
    "sv": "och i på för med av gata namn datum nummer år stad område kod typ adress kommun antal skola",
    "da": "og i på for med af vej navn dato nummer år by område kode type adresse kommune antal skole",
    "no": "og i på for med av gate navn dato nummer år by bydel kode type adresse kommune antall skole",
    "fi": "kyllä ei tunnus tyyppi rakennusvuosi esteetön leikkipuisto kenttä asukkaat vuosi alue ja katu nimi päivämäärä numero vuosi kaupunki kaupunginosa koodi tyyppi osoite kunta määrä koulu",
    "et": "ja tänav nimi kuupäev number aasta linn linnaosa kood tüüp aadress vald arv kool",
    "lt": "ir gatvė pavadinimas data numeris metai miestas rajonas kodas tipas adresas savivaldybė skaičius mokykla",
    "lv": "un iela nosaukums datums numurs gads pilsēta rajons kods tips adrese novads skaits skola",
    "tr": "nüfus toplam erkek kadın ilçe tarihi soyadı tutar ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık yılı ve bir için ile cadde sokak adı tarih numara yıl şehir mahalle ilçe kod tür adres belediye sayısı okul",
    "id": "dan di dari untuk dengan jalan nama tanggal nomor tahun kota kecamatan kelurahan kode jenis alamat jumlah",
    "vi": "và của đường tên ngày số năm thành phố quận phường mã loại địa chỉ",
    "sw": "na ya wa kwa katika mtaa jina tarehe namba mwaka mji kata shule",
    "eu": "eta kalea izena data zenbakia urtea hiria auzoa kodea mota helbidea udala",
    "gl": "de da do e en por con unha rúa nome data número ano cidade concello enderezo poboación",
}
LETTERS = {
    "es": "ñ", "pt": "ãõ", "fr": "êèœëù", "it": "òì", "ca": "·", "de": "ßäöü", "pl": "łążśęń", "cs": "řěů", "sk": "ľĺŕ", "hu": "őű",
    "ro": "ățș", "tr": "ğışİ", "sv": "åäö", "da": "æøå", "no": "æøå", "fi": "äö", "et": "õ", "lt": "ėųį", "lv": "āēīņļķ", "hr": "đć",
    "vi": "ơưđạảấ",
}  # fmt: skip
_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("ko", r"[\uac00-\ud7a3]"),
    ("ja", r"[\u3041-\u30fa]"),
    ("zh", r"[\u4e00-\u9fff]"),
    ("he", r"[\u05d0-\u05ea]"),
    ("ar", r"[\u0620-\u064a]"),
    ("el", r"[\u0386-\u03ce]"),
    ("th", r"[\u0e01-\u0e3a]"),
    ("hi", r"[\u0904-\u0939]"),
    ("ka", r"[\u10d0-\u10f0]"),
    ("hy", r"[\u0531-\u0587]"),
    ("am", r"[\u1200-\u135a]"),
    ("ru", r"[\u0400-\u04ff]"),
)
_ENOUGH = 3
_WORD = re.compile(r"[^\W\d_]+")


def guess(texts: Iterable[str], names: Iterable[str] = ()) -> tuple[str, float]:
    """Language (ISO 639-1) and how sure, 0 to 1. English at 0 when nothing speaks."""
    names = list(names)
    body = [text for text in texts if text]
    everything = " ".join([*names, *body[:4000]])
    letters = len(_WORD.findall(everything)) and sum(char.isalpha() for char in everything)
    if not letters:
        return "en", 0.0
    for code, pattern in _SCRIPTS:
        share = len(re.findall(pattern, everything)) / letters
        if share > (0.02 if code == "ja" else 0.15):
            return (_cyrillic(everything) if code == "ru" else _arabic(everything) if code == "ar" else code), 0.9
    score: dict[str, float] = defaultdict(float)
    seen: Counter[str] = Counter()
    for name in names:
        # names of columns are few and telling
        for word in _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)):
            seen[word.casefold()] += 6
    for text in body[:4000]:
        for word in set(_WORD.findall(text)[:40]):
            seen[word.casefold()] += 1
    met: Counter[str] = Counter()  # different words: one frequent word is no language
    for code, listed in WORDS.items():
        for word in set(listed.split()):
            if len(word) > 2 and (seen.get(word.casefold()) or seen.get(plain(word))):
                met[code] += 1
            if len(word) > 1 and (count := seen.get(word.casefold())):
                score[code] += min(count, 60) * (1.0 if len(word) > 2 else 0.5)
            bare = plain(word)
            if bare != word.casefold() and (count := seen.get(bare)):
                score[code] += 0.5 * min(count, 60)
    for code, special in LETTERS.items():
        hits = sum(everything.count(char) for char in special)
        score[code] += min(hits * 2, 0.02 * letters)
        met[code] += min(2, hits // 3)
    for code in [code for code in score if met[code] < _ENOUGH and code != "en"]:
        del score[code]
    ranked = sorted(((points, code) for code, points in score.items()), reverse=True)
    if not ranked or ranked[0][0] < 8:
        return "en", 0.0
    top, best = ranked[0]
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    return best, min(1.0, (top - second) / top + 0.1)


def _cyrillic(text: str) -> str:
    low = text.casefold()
    if any(char in low for char in "їєґ"):
        return "uk"
    if any(char in low for char in "ђћњљџ"):
        return "sr"
    if low.count("ъ") > low.count("ы") and low.count("ы") == 0:
        return "bg"
    return "ru"


def _arabic(text: str) -> str:
    return "fa" if any(char in text for char in "پچژگ") else "ar"
