"""Which columns are about persons, in many languages, and which only look like it."""

from __future__ import annotations

import pytest
import stdnum.gr.vat

from arengo.contract.draft import infer
from arengo.contract.model import Property
from arengo.contract.sample import Sample, SampleColumn


def column(name: str, values: list[str], language: str) -> Property:
    rows = max(12, len(values))
    repeated = tuple(values[n % len(values)] for n in range(rows))
    sample = Sample(
        "t.csv",
        "csv",
        {},
        (SampleColumn("n", tuple(str(n) for n in range(rows))), SampleColumn(name, repeated)),
        total=rows,
    )
    return infer(sample, language=language).contract.properties[1]


AFM = [text for text in (f"{n:09}" for n in range(40_000_000, 40_000_400)) if stdnum.gr.vat.is_valid(text)]
PERSONS = [
    ("صاحب الرخصة", ["محمد العتيبي", "فاطمة الزهراني", "خالد بن سعيد الحربي"], "ar", "name"),
    ("رقم الهوية", ["1932613464", "1867725229", "1083943094"], "ar", "national-id"),
    ("رقم الجوال", ["0551234567", "0509876543", "0567778899"], "ar", "phone"),
    ("ΑΦΜ ιδιοκτήτη", AFM, "el", "national-id"),
    ("Ονοματεπώνυμο", ["Γιώργος Παπαδόπουλος", "Μαρία Ιωάννου"], "el", "name"),
    ("Ιδιοκτήτης", ["Γιώργος Παπαδόπουλος", "Μαρία Ιωάννου"], "el", "name"),
    ("Τηλέφωνα επικοινωνίας", ["6912345678", "6987654321"], "el", "phone"),
    ("Cep Telefonu", ["0532 545 28 30", "0532 494 37 25", "0533 111 22 33"], "tr", "phone"),
    ("Ruhsat Sahibi", ["Mehmet Yılmaz", "Ayşe Demir"], "tr", "name"),
    ("Telefon kontaktowy", ["601 234 567", "502 345 678"], "pl", "phone"),
    ("Imię i nazwisko", ["Jan Kowalski", "Zdzisława Brzęczyszczykiewicz"], "pl", "name"),
    ("Telefonszám", ["+36 30 123 4567", "+36 20 765 4321"], "hu", "phone"),
    ("Teljes név", ["Nagy Zsombor", "Kovács Boglárka"], "hu", "name"),
    ("Nume și prenume", ["Ionescu Maria", "Popa Vasile"], "ro", "name"),
    ("Koko nimi", ["Virtanen Matti", "Korhonen Päivi"], "fi", "name"),
    ("Заявитель", ["Иванов Иван Иванович", "Петрова Анна Сергеевна"], "ru", "name"),
    ("Собственик", ["Георги Димитров", "Мария Петрова"], "bg", "name"),
    ("Власник", ["Шевченко Тарас Григорович", "Коваль Оксана Іванівна"], "uk", "name"),
    ("Ime i prezime", ["Ivan Horvat", "Ana Kovačević"], "hr", "name"),
    ("שם מלא", ["יוסי כהן", "רחל לוי"], "he", "name"),
    ("نام و نام خانوادگی", ["علی رضایی", "مریم احمدی"], "fa", "name"),
    ("आवेदक का नाम", ["राम कुमार", "सीता देवी"], "hi", "name"),
    ("Nama lengkap", ["Budi Santoso", "Siti Rahayu"], "id", "name"),
    ("Jina kamili", ["Juma Hamisi", "Asha Mwinyi"], "sw", "name"),
    ("Họ và tên", ["Nguyễn Văn An", "Trần Thị Bình"], "vi", "name"),
    ("신청인", ["김철수", "박영희", "이민호"], "ko", "name"),
    ("申請者", ["山田太郎", "佐藤花子"], "ja", "name"),
    ("联系人", ["王小明", "李华"], "zh", "name"),
    ("Ημερομηνία γέννησης", ["1/2/1980", "23/12/1975"], "el", "birth-date"),
    ("Date of birth", ["1980-02-01", "1975-12-23"], "en", "birth-date"),
    ("Cuenta IBAN", ["ES9121000418450200051332", "ES7921000813610123456789"], "es", "iban"),
]
OTHERS = [
    ("اسم المنشأة", ["مطعم النخيل", "مخبز المدينة", "صيدلية الشفاء"], "ar"),
    ("رقم الرخصة", ["000001", "000002", "000003"], "ar"),
    ("Οδός", ["Ερμού", "Σταδίου", "Πανεπιστημίου"], "el"),
    ("Ιδιοκτήτης", ["ΔΗΜΟΣ ΑΘΗΝΑΙΩΝ", "ΣΥΛΛΟΓΟΣ ΦΙΛΩΝ"], "el"),
    ("Cadde", ["Atatürk Caddesi", "İstiklal Caddesi"], "tr"),
    ("Собственник", ["ООО Ромашка Плюс", "МБОУ школа"], "ru"),
    ("Owner", ["City of Springfield", "Parks Department", "Acme Ltd"], "en"),
    ("Species", ["Quercus robur", "Acer campestre", "Tilia cordata"], "en"),
    ("School name", ["St. Mary Primary School", "John Smith College"], "en"),
    ("Candidate", ["Maria Garcia", "John Smith", "Anna Müller"], "en"),
    ("Telephone boxes", ["3", "12", "7"], "en"),
    ("Nom", ["Jardin Jean Jaurès", "Parc Victor Hugo"], "fr"),
    ("Pupils", ["120", "340", "95"], "en"),
    ("Hasta", ["2025-01-01", "2025-02-01"], "es"),
]


@pytest.mark.parametrize(("name", "values", "language", "kind"), PERSONS)
def test_persons(name: str, values: list[str], language: str, kind: str) -> None:
    found = column(name, values, language)
    assert found.custom.get("arengoPersonalKind") == kind
    assert not found.examples
    assert found.kind == ("date" if kind == "birth-date" else "string")


@pytest.mark.parametrize(("name", "values", "language"), OTHERS)
def test_no_persons(name: str, values: list[str], language: str) -> None:
    assert "arengoPersonalKind" not in column(name, values, language).custom


def test_candidates_are_a_question_not_a_mark() -> None:
    found = column("Candidate", ["Maria Garcia", "John Smith", "Anna Müller"], "en")
    assert "candidacy" in str(found.custom["arengoDoubt"])


def test_tax_numbers_without_a_person_are_a_question() -> None:
    found = column("ΑΦΜ", AFM, "el")
    assert found.kind == "string"
    assert "arengoPersonalKind" not in found.custom
    assert "firms" in str(found.custom["arengoDoubt"])


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("codice_alunno", "it"), ("codigo_alumno", "es"), ("codi_alumne", "ca"), ("id_eleve", "fr"),
        ("codigo_aluno", "pt"), ("Schülernummer", "de"), ("pupil_number", "en"),
    ],
)  # fmt: skip
def test_numbers_of_pupils_name_them(name: str, language: str) -> None:
    found = column(name, [f"A{n:05}" for n in range(40)], language)
    assert found.custom.get("arengoPersonalKind") == "person-id"
    assert found.privacy_role == "identifier"
