# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Proposals a person can correct: the EU data theme, how often the data is renewed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from arengo.contract.draft.column import Column
from arengo.contract.draft.words import plain
from arengo.contract.model import Kind

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


def frequency(columns: Sequence[Column], texts: Sequence[str]) -> tuple[str, str]:
    """EU frequency code and the reason, ('', '') when nothing speaks."""
    low = plain(" ".join(texts))
    for code, terms in (
        ("HOURLY", ("hourly", "horari", "stundlich", "horaire")),
        ("DAILY", ("daily", "diari", "taglich", "quotidien", "giornalier")),
        ("WEEKLY", ("weekly", "semanal", "wochentlich", "hebdo", "settimanal")),
        ("MONTHLY", ("monthly", "mensual", "monatlich", "mensuel", "mensil", "mensal")),
        ("QUARTERLY", ("quarterly", "trimestr", "quartal")),
        ("ANNUAL", ("annual", "anual", "jahrlich", "annuel", "annual")),
    ):
        if any(term in low for term in terms):
            return code, "the name says so"
    for column in columns:
        if column.kind is Kind.TIMESTAMP and column.distinct >= 20:
            return "DAILY", f"{column.name} holds times"
    for column in columns:
        if column.kind is Kind.DATE and column.distinct >= 20:
            return "MONTHLY", f"{column.name} holds dates"
    years = [column for column in columns if column.options.get("year")]
    if years or any(
        part.isdigit() and len(part) == 4 and part[:2] in ("19", "20")
        for part in low.replace("_", " ").replace("-", " ").split()
    ):
        return "ANNUAL", "the table speaks of years"
    return "", ""
