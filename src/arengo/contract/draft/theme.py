# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Proposals a person can correct: the EU data theme, how often the data is renewed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from arengo.contract import digits
from arengo.contract.draft.column import Column
from arengo.contract.draft.words import concepts, exactly, plain

_THEMES: dict[str, str] = {
    "TRAN": "otopark autopark aparcam garage charging transport traffic trafic trafico trafego traffico verkehr "
    "verkeer ruch bus bicing bike bici velo fahrrad cycle parking parcheggi "
    "aparcamiento stationnement estacionamento road route strasse haltestelle gtfs metro tram comptage counter "
    "aforo vehic accident "
    "unfall incidente station_velo taxi mobil autobus linea parada fermata rues pedestrian pieton 교통 주차 交通 駐車 "
    "停車 транспорт движение "
    "stop_times stops trips routes shapes airport flughafen",
    "ENVI": "air aire qualit pollut contamin luft lucht powietrz pm10 pm25 no2 ozone noise ruido rumore bruit "
    "laerm geluid tree trees strassenbaum baeume "
    "arbol arbolado arbre alberi baum bomen drzew park parque jardin green verd water agua acqua eau wasser "
    "waste residuos rifiuti dechets "
    "abfall afval odpady clima climate weather meteo estacion_meteo contenedor container recicl especie "
    "biodivers temperature rain lluvia "
    "대기 나무 환경 樹木 環境 公園 воздух деревья emission",
    "EDUC": "school escuela colegio ecole scuola schule szkol skole skola koulu student alumn eleve enrol "
    "matricul iscrizion library biblio "
    "museum museo musee cultura culture kultur theatre teatro sport deporte association asociacion event evento "
    "kita nursery creche "
    "universit education educacio educazione 학교 도서관 문화 学校 図書館 школа",
    "HEAL": "health salud sante salute gesundheit zdrow hospital farmac pharmac covid vaccin vacun mortalit "
    "defunc clinic medic disease "
    "병원 의료 약국 病院 医院 больниц saude ubs",
    "ECON": "budget presupuesto bilancio haushalt orcamento spending gasto spesa depense contract contrato "
    "contratti marche procurement "
    "licitac invoice factura comercio business empresa commerce gewerbe tourism turism tax impuesto payment "
    "pago subvenc subsid grant "
    "예산 사업체 상권 予算 企業 бюджет cost price precio",
    "GOVE": "council consiglio conseil deliberation delibera election elecc elezion wahl verkiezing vote voto "
    "participa decidim meeting "
    "acta minute acuerdo ordenanza 311 request complaint reclam segnalaz plan permit licen open_data catalog "
    "elu wybor 선거 민원 議会 選挙 выбор "
    "bureau scrutin proposal consultation",
    "SOCI": "population poblacion popolazione bevolkerung bevoelkerung population_ einwohner census censo "
    "padron recensement demograph birth "
    "nacimiento naissance nascite geburt etat_civil mariage marriage death deces migrant nationalit housing "
    "vivienda logement wohnung "
    "social ageing elderly mayores age_group edad household hogar viviendas 인구 세대 人口 населен",
    "REGI": "boundar barri barrio district distrit quartier neighbourhood neighborhood municip comune gemeente "
    "gemeinde commune limit "
    "address direccion callejero street_name cadast catast parcel section seccion zona zone admin region "
    "provinc toponym landuse building "
    "edificio gebaeude batiment grid code dimension 행정구역 주소 地区 район адрес",
    "JUST": "crime delito delit kriminal police polic fire bomberos pompier feuerwehr emergency securit "
    "seguridad cctv camera violen justice "
    "court 범죄 치안 警察 犯罪 преступ robo theft",
    "ENER": "energy energia energie electric gas solar fotovolt consumption consumo strom lighting alumbrado "
    "luminaria eclairage 에너지 電力 "
    "энерг charging recharge",
    "TECH": "wifi software internet network innovation research fibra telecom antenna antena",
    "AGRI": "agricult farm market mercado food alimenta fish pesca huerto crop",
}


def theme(texts: Sequence[str], columns: Sequence[Column]) -> tuple[str, bool]:
    """EU theme and whether anything spoke for it."""
    score: Counter[str] = Counter()
    for weight, words in ((6, texts), (2, [c.name for c in columns])):
        for text in words:
            low = " " + plain(text).replace("_", " ").replace("-", " ") + " "
            for code, listed in _THEMES.items():
                for word in listed.split():
                    term = word.replace("_", " ")
                    hit = f" {term}" in low if len(term) < 5 and term.isascii() else term in low
                    if hit and (len(term) > 3 or f" {term} " in low or not term.isascii()):
                        score[code] += weight
    if not score:
        return "GOVE", False
    return score.most_common(1)[0][0], True


_STEPS = ((60, 1200, "CONT"), (3600, 3600, "HOURLY"), (86_400, 86_400, "DAILY"), (604_800, 604_800, "WEEKLY"),
          (28 * 86_400, 31 * 86_400, "MONTHLY"), (89 * 86_400, 92 * 86_400, "QUARTERLY"), (365 * 86_400, 366 * 86_400, "ANNUAL"))  # fmt: skip


def _spacing(cells: Sequence[str | None], formats: Sequence[str]) -> str:
    """EU frequency of evenly spaced times, '' for those of a register, whose days come as they come."""
    moments = {moment for text in cells if text and (moment := _moment(digits.fold(text.strip()), formats))}
    ordered = sorted(moments)
    if len(ordered) < 6:
        return ""
    steps = Counter(round((b - a).total_seconds()) for a, b in pairwise(ordered))
    for low, high, code in _STEPS:
        if sum(n for step, n in steps.items() if low <= step <= high) >= 0.8 * (len(ordered) - 1):
            return code
    return ""


def _moment(text: str, formats: Sequence[str]) -> datetime | None:
    for pattern in (*formats, ""):
        try:
            if pattern:
                return datetime.strptime(text, pattern).replace(tzinfo=None)  # noqa: DTZ007 - only differences count
            return datetime.fromisoformat(text.removesuffix(" UTC")).replace(tzinfo=None)
        except ValueError:
            continue
    return None


def frequency(
    columns: Sequence[Column],
    texts: Sequence[str],
    moment: Column | None = None,
    cells: Sequence[str | None] = (),
    keys: Sequence[str] = (),
) -> tuple[str, str]:
    """EU frequency code and the reason, ('', '') when nothing speaks.

    ``moment``: the main time column, ``cells``: its values in the order of the source. ``keys``: the primary key.
    """
    low = plain(" ".join(texts))
    for code, terms in (
        ("HOURLY", ("hourly", "stundlich", "cada hora", "heure par heure")),
        ("DAILY", ("daily", "diario", "diaria", "taglich", "quotidien", "giornalier")),
        ("WEEKLY", ("weekly", "semanal", "wochentlich", "hebdo", "settimanal")),
        ("MONTHLY", ("monthly", "mensual", "monatlich", "mensuel", "mensil", "mensal")),
        ("QUARTERLY", ("quarterly", "trimestr", "quartal")),
        ("ANNUAL", ("annual", "anual", "jahrlich", "annuel", "annual")),
    ):
        if any(term in low for term in terms):
            return code, "the name says so"
    if moment is not None and "birth" not in concepts(moment.name):
        for part in (cells[:2000], cells):
            code = _spacing(part, moment.parse.get("formats", ()))
            if code:
                return code, f"the times of {moment.name} are evenly spaced"
        return "", ""
    years = [
        column
        for column in columns
        if column.options.get("year") and (exactly(column.name, "year") or column.name in keys) and _running(column)
    ]
    words_of = low.replace("_", " ").replace("-", " ").split()
    if years or any(re.fullmatch(r"(?:19|20)\d\d", part) for part in words_of):
        return "ANNUAL", "the table speaks of years"
    return "", ""


def _running(column: Column) -> bool:
    """Years that follow each other and come again in several rows: a series, not the year of a building."""
    years = sorted({int(number) for number in column.numbers})
    return (
        bool(years) and all(b - a == 1 for a, b in pairwise(years)) and column.distinct <= max(40, 0.5 * column.filled)
    )
