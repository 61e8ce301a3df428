# ruff: noqa: E501 - one language a block
"""A generator of messy municipal files: fifteen languages, and the dirt that real exports have. Truth comes with it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(frozen=True)
class Tongue:
    code: str
    encodings: tuple[str, ...]
    decimal: str
    thousands: str
    date: str  # strftime
    yes_no: tuple[str, str]
    headers: dict[str, str]
    words: tuple[str, ...]
    names: tuple[str, ...] = ()
    streets: tuple[str, ...] = ()
    title: str = ""
    note: str = ""
    null: str = ""
    country: str = ""


TONGUES = (
    Tongue("es", ("utf-8", "utf-8-sig", "windows-1252", "utf-16"), ",", ".", "%d/%m/%Y", ("Sí", "No"),
           {"id": "ID", "name": "Nombre", "year": "Año", "int": "Nº habitantes", "num": "Superficie (km²)", "money": "Importe (€)", "date": "Fecha de alta", "flag": "Activo",
            "cp": "Código postal", "lat": "Latitud", "lon": "Longitud", "phone": "Teléfono", "email": "Correo electrónico", "code": "Cód. municipio", "person": "Nombre y apellidos", "ts": "Fecha y hora", "cat": "Distrito"},
           ("Centro", "Peñarol", "Casa de Campo", "Chamberí", "San Andrés", "Vallecas", "Carabanchel", "Añoreta"), ("María García López", "José Antonio Pérez", "Lucía Fernández Ruiz", "Carlos Sánchez", "Ana Belén Torres", "Miguel Ángel Díaz"),
           title="Población por distritos. Padrón municipal", note="Fuente: Ayuntamiento. Área de Estadística", null="s/d"),
    Tongue("pt", ("utf-8", "windows-1252"), ",", ".", "%d-%m-%Y", ("Sim", "Não"),
           {"id": "Id", "name": "Nome da unidade", "year": "Ano", "int": "População", "num": "Área", "money": "Valor (R$)", "date": "Data de início", "flag": "Ativo", "cp": "CEP", "lat": "Latitude", "lon": "Longitude",
            "phone": "Telefone", "email": "E-mail", "code": "Código IBGE", "person": "Nome completo", "ts": "Data hora", "cat": "Bairro"},
           ("São João", "Conceição", "Água Verde", "Boa Vista", "Santa Felicidade", "Portão", "Cabral"), ("João da Silva", "Maria Aparecida Souza", "Antônio Carlos Oliveira", "Fernanda Lima", "Paulo Roberto Santos"),
           title="Relação de equipamentos públicos", note="Fonte: Secretaria Municipal", null="n/d"),
    Tongue("fr", ("utf-8", "windows-1252", "utf-8-sig"), ",", "\u202f", "%d/%m/%Y", ("oui", "non"),
           {"id": "Identifiant", "name": "Libellé", "year": "Année", "int": "Effectif", "num": "Surface (m²)", "money": "Montant €", "date": "Date d'ouverture", "flag": "Actif", "cp": "Code postal", "lat": "Latitude", "lon": "Longitude",
            "phone": "Téléphone", "email": "Courriel", "code": "Code INSEE", "person": "Nom et prénom", "ts": "Horodatage", "cat": "Quartier"},
           ("Hôpital", "Préfecture", "Écusson", "Beaux-Arts", "Près d'Arènes", "Croix-d'Argent", "Cévennes"), ("Hélène Martin", "Jean-Pierre Dubois", "Françoise Lefèvre", "Émilie Moreau", "Thierry Roux"),
           title="Équipements municipaux au 1er janvier", note="Source : Ville, direction des systèmes d'information", null="n.d."),
    Tongue("it", ("utf-8", "windows-1252"), ",", ".", "%d/%m/%Y", ("Sì", "No"),
           {"id": "Codice", "name": "Denominazione", "year": "Anno", "int": "Residenti", "num": "Superficie (mq)", "money": "Importo (€)", "date": "Data apertura", "flag": "Attivo", "cp": "CAP", "lat": "Latitudine", "lon": "Longitudine",
            "phone": "Telefono", "email": "Email", "code": "Codice ISTAT", "person": "Cognome e nome", "ts": "Data e ora", "cat": "Quartiere"},
           ("Città Studi", "Porta Venezia", "Libertà", "Navigli", "San Siro", "Niguarda", "Affori"), ("Rossi Mario", "Bianchi Giulia", "Ferrari Luca", "Esposito Anna", "Romano Francesco"),
           title="Elenco delle strutture comunali", note="Fonte: Comune, Ufficio Statistica", null="n.d."),
    Tongue("de", ("utf-8", "windows-1252", "utf-8-sig"), ",", ".", "%d.%m.%Y", ("ja", "nein"),
           {"id": "lfd_nr", "name": "Bezeichnung", "year": "Jahr", "int": "Einwohner", "num": "Fläche (km²)", "money": "Betrag (EUR)", "date": "Datum", "flag": "Aktiv", "cp": "PLZ", "lat": "Breitengrad", "lon": "Längengrad",
            "phone": "Telefon", "email": "E-Mail", "code": "AGS", "person": "Ansprechpartner", "ts": "Zeitstempel", "cat": "Ortsteil"},
           ("Köpenick", "Schöneberg", "Größe", "Prenzlauer Berg", "Übersee", "Marzahn", "Weißensee"), ("Hans Müller", "Jürgen Schröder", "Sabine Groß", "Anna Weiß", "Wolfgang König"),
           title="Einwohnerzahlen nach Ortsteilen", note="Quelle: Amt für Statistik", null="k.A."),
    Tongue("nl", ("utf-8", "windows-1252"), ",", ".", "%d-%m-%Y", ("ja", "nee"),
           {"id": "OBJECTID", "name": "Naam", "year": "Jaar", "int": "Aantal inwoners", "num": "Oppervlakte", "money": "Bedrag", "date": "Datum", "flag": "Actief", "cp": "Postcode", "lat": "Breedtegraad", "lon": "Lengtegraad",
            "phone": "Telefoonnummer", "email": "E-mailadres", "code": "Gemeentecode", "person": "Contactpersoon", "ts": "Tijdstip", "cat": "Wijk"},
           ("De Pijp", "Jordaan", "Oud-Zuid", "Noord", "Zuidoost", "IJburg", "Nieuw-West"), ("Jan de Vries", "Pieter Jansen", "Anneke Bakker", "Willem van Dijk", "Johanna Visser"), title="Wijken en buurten", note="Bron: gemeente"),
    Tongue("pl", ("utf-8", "windows-1250", "iso-8859-2"), ",", "\u00a0", "%d.%m.%Y", ("tak", "nie"),
           {"id": "Lp.", "name": "Nazwa", "year": "Rok", "int": "Liczba mieszkańców", "num": "Powierzchnia (km²)", "money": "Kwota (zł)", "date": "Data", "flag": "Aktywny", "cp": "Kod pocztowy", "lat": "Szerokość (lat)", "lon": "Długość (lon)",
            "phone": "Telefon", "email": "Adres e-mail", "code": "Kod GUS", "person": "Imię i nazwisko", "ts": "Data i godzina", "cat": "Dzielnica"},
           ("Śródmieście", "Bałuty", "Górna", "Żoliborz", "Ochota", "Widzew", "Łagiewniki"), ("Jan Kowalski", "Anna Wiśniewska", "Piotr Wójcik", "Katarzyna Kamińska", "Andrzej Lewandowski"), title="Wykaz placówek oświatowych", note="Źródło: Urząd Miasta", null="brak danych"),
    Tongue("cs", ("utf-8", "windows-1250"), ",", "\u00a0", "%d.%m.%Y", ("ano", "ne"),
           {"id": "ID", "name": "Název", "year": "Rok", "int": "Počet obyvatel", "num": "Rozloha (km²)", "money": "Částka (Kč)", "date": "Datum", "flag": "Aktivní", "cp": "PSČ", "lat": "lat", "lon": "lng", "phone": "Telefon", "email": "E-mail",
            "code": "Kód obce", "person": "Jméno a příjmení", "ts": "Čas měření", "cat": "Městská část"},
           ("Žižkov", "Vršovice", "Řepy", "Dejvice", "Holešovice", "Nusle", "Břevnov"), ("Jan Novák", "Jana Svobodová", "Petr Dvořák", "Eva Černá", "Tomáš Procházka"), title="Počet obyvatel městských částí", note="Zdroj: Magistrát hlavního města"),
    Tongue("hu", ("utf-8", "windows-1250"), ",", " ", "%Y.%m.%d.", ("igen", "nem"),
           {"id": "Sorszám ID", "name": "Megnevezés", "year": "Év", "int": "Lakosok száma", "num": "Terület (km²)", "money": "Összeg (Ft)", "date": "Dátum", "flag": "Aktív", "cp": "Irányítószám", "lat": "lat", "lon": "lon", "phone": "Telefonszám",
            "email": "E-mail", "code": "KSH kód", "person": "Kapcsolattartó", "ts": "Időpont", "cat": "Kerület"},
           ("Óbuda", "Újpest", "Kőbánya", "Erzsébetváros", "Csepel", "Hegyvidék"), ("Nagy István", "Kovács Anna", "Szabó Gábor", "Tóth Katalin"), title="Lakosságszám kerületenként", note="Forrás: Önkormányzat"),
    Tongue("tr", ("utf-8", "windows-1254"), ",", ".", "%d.%m.%Y", ("Evet", "Hayır"),
           {"id": "Sıra No", "name": "İlçe Adı", "year": "Yıl", "int": "Nüfus", "num": "Yüzölçümü (km²)", "money": "Tutar (TL)", "date": "Tarih", "flag": "Aktif", "cp": "Posta Kodu", "lat": "Enlem", "lon": "Boylam", "phone": "Telefon",
            "email": "E-posta", "code": "İlçe kodu", "person": "Ad Soyad", "ts": "Tarih saat", "cat": "Mahalle"},
           ("Beşiktaş", "Üsküdar", "Kadıköy", "Şişli", "Güngören", "Çekmeköy"), ("Mehmet Yılmaz", "Ayşe Demir", "Mustafa Kaya", "Fatma Şahin", "Ahmet Çelik"), title="İlçe nüfus verileri", note="Kaynak: Büyükşehir Belediyesi"),
    Tongue("el", ("utf-8", "windows-1253"), ",", ".", "%d/%m/%Y", ("ναι", "όχι"),
           {"id": "ID", "name": "Ονομασία", "year": "Έτος", "int": "Πληθυσμός", "num": "Έκταση (km²)", "money": "Ποσό (€)", "date": "Ημερομηνία", "flag": "Ενεργό", "cp": "ΤΚ", "lat": "lat", "lon": "lon", "phone": "Τηλέφωνο", "email": "email",
            "code": "Κωδικός", "person": "Ονοματεπώνυμο", "ts": "Ημερομηνία ώρα", "cat": "Δήμος"},
           ("Αθήνα", "Πειραιάς", "Κυψέλη", "Παγκράτι", "Καλλιθέα", "Νίκαια"), (), title="Πληθυσμός ανά δήμο", note="Πηγή: Δήμος Αθηναίων"),
    Tongue("ru", ("utf-8", "windows-1251", "koi8-r"), ",", "\u00a0", "%d.%m.%Y", ("да", "нет"),
           {"id": "№ п/п ID", "name": "Наименование", "year": "Год", "int": "Количество жителей", "num": "Площадь (км2)", "money": "Сумма (руб.)", "date": "Дата", "flag": "Активен", "cp": "Индекс", "lat": "Широта", "lon": "Долгота", "phone": "Телефон",
            "email": "Электронная почта", "code": "Код ОКТМО", "person": "ФИО", "ts": "Дата и время", "cat": "Район"},
           ("Хамовники", "Арбат", "Якиманка", "Пресненский", "Щукино", "Южное Бутово"), ("Иванов Иван Иванович", "Петрова Анна Сергеевна", "Сидоров Пётр Алексеевич", "Кузнецова Мария Владимировна"), title="Перечень учреждений", note="Источник: Департамент"),
    Tongue("ko", ("utf-8", "utf-8-sig", "cp949"), ".", ",", "%Y-%m-%d", ("예", "아니오"),
           {"id": "연번", "name": "시설명", "year": "연도", "int": "인구수", "num": "면적(㎢)", "money": "금액(원)", "date": "설치일자", "flag": "운영여부", "cp": "우편번호", "lat": "위도", "lon": "경도", "phone": "전화번호", "email": "이메일", "code": "행정동코드",
            "person": "성명", "ts": "일시", "cat": "자치구"},
           ("강남구", "종로구", "마포구", "서초구", "은평구", "노원구"), ("김철수", "이영희", "박민수", "최지은", "정대현"), title="서울시 자치구별 인구 현황", note="자료: 서울특별시 통계"),
    Tongue("ja", ("utf-8", "utf-8-sig", "cp932"), ".", ",", "%Y/%m/%d", ("有", "無"),
           {"id": "NO", "name": "名称", "year": "年度", "int": "人口", "num": "面積", "money": "金額(円)", "date": "設置年月日", "flag": "有無", "cp": "郵便番号", "lat": "緯度", "lon": "経度", "phone": "電話番号", "email": "メールアドレス",
            "code": "全国地方公共団体コード", "person": "氏名", "ts": "日時", "cat": "地区"},
           ("中央公園", "市民会館", "図書館", "みなと区", "第一小学校", "東町"), ("山田太郎", "佐藤花子", "鈴木一郎", "高橋美咲"), title="公共施設一覧", note="出典:市役所情報政策課"),
    Tongue("en", ("utf-8", "windows-1252", "utf-16"), ".", ",", "%m/%d/%Y", ("Yes", "No"),
           {"id": "Record ID", "name": "Facility Name", "year": "Year", "int": "Population", "num": "Area (km2)", "money": "Amount", "date": "Start Date", "flag": "Active", "cp": "Zip Code", "lat": "Latitude", "lon": "Longitude", "phone": "Phone",
            "email": "Email", "code": "FIPS Code", "person": "Contact Person", "ts": "Updated At", "cat": "Borough"},
           ("Downtown", "Riverside", "West End", "Harbor", "O'Hara Park", "Café Row"), ("John Smith", "Mary Johnson", "James Williams", "Patricia Brown", "Robert Davis"), title="City facilities register", note="Source: Office of Data", null="N/A", country="US"),
)  # fmt: skip

TRUTH = {
    "id": "integer", "name": "string", "cat": "string", "year": "integer", "int": "integer", "num": "number", "money": "number", "date": "date",
    "ts": "timestamp", "flag": "boolean", "cp": "string", "code": "string", "lat": "number", "lon": "number", "phone": "string",
    "email": "string", "person": "string",
}  # fmt: skip
PERSONAL = {"email": "email", "person": "name"}


@dataclass
class Messy:
    data: bytes
    name: str
    tongue: Tongue
    columns: list[str]
    rows: int
    encoding: str
    delimiter: str
    dirt: list[str] = field(default_factory=list)


def number(tongue: Tongue, value: float, digits: int, grouped: bool) -> str:
    text = f"{value:,.{digits}f}" if grouped else f"{value:.{digits}f}"
    return text.replace(",", "\0").replace(".", tongue.decimal).replace("\0", tongue.thousands)


def cell(kind: str, tongue: Tongue, choice: random.Random, row: int, grouped: bool) -> str:
    day = date(2021, 1, 1) + timedelta(days=choice.randrange(900))
    place = choice.choice(tongue.words)
    match kind:
        case "id":
            return str(row + 1)
        case "name":
            return f"{place} {row + 1}"
        case "cat":
            return place
        case "year":
            return str(choice.randrange(2010, 2024))
        case "int":
            return number(tongue, choice.randrange(12, 90000), 0, grouped)
        case "num":
            return number(tongue, choice.random() * 300, choice.choice((1, 2)), False)
        case "money":
            return number(tongue, choice.random() * 10 ** choice.randrange(1, 6), 2, grouped)
        case "date":
            return day.strftime(tongue.date)
        case "ts":
            return (
                day.strftime(tongue.date.rstrip("."))
                + f" {choice.randrange(24):02}:{choice.randrange(60):02}:{choice.randrange(60):02}"
            )
        case "flag":
            return choice.choice(tongue.yes_no)
        case "cp":
            return f"{choice.randrange(1000, 98999):05}"
        case "code":
            return f"{choice.randrange(100, 29999):05}"
        case "lat":
            return f"{40 + choice.random():.6f}".replace(".", tongue.decimal if choice.random() < 2 else ".")
        case "lon":
            return f"{-3 - choice.random():.6f}".replace(".", tongue.decimal)
        case "phone":
            return f"{choice.choice('69')}{choice.randrange(10000000, 99999999)}"
        case "email":
            return f"{choice.choice(('ana', 'luis', 'marta', 'p.gil'))}{row}@{choice.choice(('gmail.com', 'hotmail.com', 'example.org'))}"
        case "person":
            return choice.choice(tongue.names)
    raise AssertionError(kind)


def make(seed: int) -> Messy:
    """One file, wholly decided by the seed."""
    choice = random.Random(seed)
    tongue = TONGUES[seed % len(TONGUES)]
    encoding = choice.choice(tongue.encodings)
    delimiter = choice.choice((",", ";", ";", "\t", "|"))
    kinds = [
        "id",
        "name",
        *choice.sample([k for k in TRUTH if k not in ("id", "name", "lat", "lon", "person")], choice.randrange(3, 8)),
    ]
    if choice.random() < 0.5:
        kinds += ["lat", "lon"]
    if tongue.names and choice.random() < 0.3:
        kinds.append("person")
    rows = choice.choice((12, 40, 150, 700))
    grouped = choice.random() < 0.5
    blanks = choice.random() < 0.5
    dirt: list[str] = []
    newline = choice.choice(("\n", "\r\n", "\r\n", "\r"))
    end = lambda: choice.choice(("\n", "\r\n")) if newline == "\n" and "mixed ends" in dirt else newline  # noqa: E731
    if choice.random() < 0.15:
        dirt.append("mixed ends")
    lines: list[str] = []

    def write(cells: list[str]) -> None:
        out = []
        for text in cells:
            if delimiter in text or '"' in text or "\n" in text or everything:
                text = '"' + text.replace('"', '""') + '"'
            out.append(text)
        lines.append(delimiter.join(out) + trailing)

    everything = choice.random() < 0.2
    trailing = delimiter if choice.random() < 0.12 else ""
    if trailing:
        dirt.append("trailing delimiter")
    if choice.random() < 0.08 and delimiter != "\t":
        dirt.append("sep line")
        lines.append(f"sep={delimiter}")
    elif choice.random() < 0.2 and tongue.title:
        dirt.append("title")
        lines.append(tongue.title + delimiter * (len(kinds) - 1) if choice.random() < 0.7 else tongue.title)
        if choice.random() < 0.5:
            lines.append(delimiter * (len(kinds) - 1) if choice.random() < 0.5 else "")
    padded = choice.random() < 0.2
    header = [tongue.headers[kind] for kind in kinds]
    write([f" {text} " if padded and choice.random() < 0.3 else text for text in header])
    fill: dict[str, int] = dict.fromkeys(kinds, 0)
    for row in range(rows):
        cells = []
        for kind in kinds:
            text = cell(kind, tongue, choice, row, grouped)
            if blanks and kind not in ("id", "name", "lat", "lon") and choice.random() < 0.07:
                text = (
                    tongue.null
                    if tongue.null and choice.random() < 0.4 and kind in ("int", "num", "money", "date")
                    else ""
                )
            fill[kind] += bool(text)
            if kind == "name" and choice.random() < 0.02:
                text = f'{text}{delimiter} "{choice.choice(tongue.words)}"'
            if kind == "name" and choice.random() < 0.01 and newline != "\r":
                text += "\n" + choice.choice(tongue.words)
            if padded and choice.random() < 0.2:
                text = f"{text}  "
            cells.append(text)
        write(cells)
        if choice.random() < 0.003:
            lines.append("")
    if choice.random() < 0.15 and tongue.note:
        dirt.append("note")
        if choice.random() < 0.5:
            lines.append("")
        lines.append(tongue.note if choice.random() < 0.5 else tongue.note + delimiter * (len(kinds) - 1))
    text = "".join(line + end() for line in lines)
    if tongue.thousands == "\u202f" and encoding == "windows-1252":
        text = text.replace("\u202f", "\u00a0")
    data = text.encode(encoding, errors="replace")
    return Messy(data, f"messy_{seed}.csv", tongue, kinds, rows, encoding, delimiter, dirt)
