# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Headers of columns about persons in the languages of city halls; words as in :mod:`words` (plain, joined by ``_``).

``holder``: the part a person plays in a row (owner, applicant, tenant). ``sure_name``: headers that can only be names
of persons. ``public_role``: persons whose names are public by their office. ``tax_id``: numbers of persons and firms.
"""

from __future__ import annotations

PERSON_CONCEPTS: dict[str, str] = {
    "holder": """
    sahip owner holder permit_holder licence_holder license_holder applicant claimant tenant lessee pupil patient contact_person guardian
    beneficiary petitioner complainant licensee landlord occupant deceased borrower cardholder policyholder
    propietario propietaria titular solicitante interesado interesada arrendatario alumno alumna paciente persona_de_contacto
    persona_contacto beneficiario reclamante denunciante apoderado fallecido inquilino propietari sol_licitant sollicitant llogater
    alumne pacient beneficiari persona_de_contacte proprietario requerente aluno pessoa_de_contato pessoa_de_contacto
    proprietaire titulaire demandeur demandeuse locataire eleve beneficiaire personne_a_contacter plaignant defunt petitionnaire
    titolare richiedente intestatario locatario affittuario alunno paziente persona_di_riferimento defunto conduttore
    eigentumer eigentuemer inhaber inhaberin antragsteller antragstellerin mieter pachter paechter schuler schueler ansprechpartner
    ansprechpartnerin ansprechperson kontaktperson bauherr beschwerdefuhrer erlaubnisinhaber verstorbener
    eigenaar houder aanvrager huurder leerling contactpersoon vergunninghouder klager begunstigde
    ejer indehaver ansoger lejer tilladelsesindehaver eier innehaver soker leietaker pasient tillatelsesinnehaver hjemmelshaver
    agare innehavare sokande hyresgast tillstandshavare omistaja haltija hakija vuokralainen oppilas potilas yhteyshenkilo luvanhaltija
    wlasciciel wlasciciela wnioskodawca najemca uczen pacjent osoba_kontaktowa osoba_do_kontaktu posiadacz beneficjent
    vlastnik zadatel drzitel najemce pacient kontaktni_osoba majitel stavebnik stezovatel ziadatel najomca ziak kontaktna_osoba
    tulajdonos kerelmezo igenylo berlo tanulo kapcsolattarto engedelyes panaszos ugyfel
    proprietar solicitant chirias persoana_de_contact beneficiar petent detinator
    vlasnik podnositelj podnosilac nositelj_dozvole imalac najmoprimac zakupac ucenik pacijent kontakt_osoba
    lastnik vlagatelj imetnik najemnik ucenec kontaktna_oseba
    собственик заявител притежател наемател ученик пациент лице_за_контакт титуляр
    собственник владелец заявитель правообладатель арендатор наниматель контактное_лицо получатель
    власник заявник орендар учень пацієнт контактна_особа правовласник отримувач подносилац носилац закупац пацијент контакт_особа
    ιδιοκτητης ιδιοκτητη κατοχος κατοχου δικαιουχος δικαιουχου αιτων αιτουντος αιτουσα ενοικιαστης μισθωτης μαθητης μαθητη ασθενης
    ασθενη υπευθυνος υπευθυνου αδειουχος
    sahibi malik basvuran basvuru_sahibi ruhsat_sahibi kiraci ogrenci irtibat_kisisi ilgili_kisi hak_sahibi
    صاحب مالك مقدم_الطلب مستأجر تلميذ مريض شخص_الاتصال مستفيد حامل المرخص_له ولي_الأمر
    בעל בעלים מבקש שוכר תלמיד מטופל איש_קשר זכאי
    مالک متقاضی دانش_آموز بیمار شخص_رابط ذینفع دارنده
    मालिक स्वामी आवेदक धारक किरायेदार छात्र रोगी संपर्क_व्यक्ति लाभार्थी
    pemilik pemohon pemegang pemegang_izin penyewa siswa pasien narahubung kontak_person
    mmiliki mwombaji mpangaji mwanafunzi mgonjwa
    chu_so_huu nguoi_nop_don chu_ho nguoi_thue hoc_sinh benh_nhan nguoi_lien_he
    소유자 신청인 신청자 보유자 임차인 환자 담당자 세대주 所有者 申請者 申請人 保有者 賃借人 児童名 生徒名 患者 担当者 名義人 届出者
    所有人 申请人 持有人 持证人 承租人 联系人 聯絡人 户主 业主 权利人
    """,
    "sure_name": """
    full_name person_name nombre_completo nombre_y_apellidos apellidos_y_nombre nom_complet nom_i_cognoms nome_completo nome_e_cognome
    cognome_e_nome nom_et_prenom nom_prenom nachname_vorname vor_und_nachname vorname_nachname voor_en_achternaam volledige_naam
    fulde_navn fullt_navn fullstandigt_namn for_och_efternamn for_og_efternavn koko_nimi etu_ja_sukunimi imie_i_nazwisko
    nazwisko_i_imie jmeno_a_prijmeni prijmeni_a_jmeno meno_a_priezvisko teljes_nev nume_si_prenume nume_complet ime_i_prezime
    prezime_i_ime ime_in_priimek име_и_фамилия трите_имена фио имя_фамилия піб име_и_презиме ονοματεπωνυμο ad_soyad adi_soyadi
    adi_ve_soyadi isim_soyisim الاسم_الكامل الاسم_الثلاثي الاسم_الرباعي שם_מלא نام_و_نام_خانوادگی पूरा_नाम nama_lengkap jina_kamili
    ho_va_ten ho_ten 성명 氏名 姓名 お名前
    """,
    "first_name": """
    الاسم_الأول שם_פרטי نام_کوچک प्रथम_नाम nama_depan jina_la_kwanza собствено_име лично_име ім_я
    """,
    "last_name": """
    اللقب اسم_العائلة שם_משפחה نام_خانوادگی उपनाम nama_belakang jina_la_ukoo фамилно_име презиме priimek osoby_nazwisko
    """,
    "birth": """
    data_de_naixement fecha_de_nacimiento data_de_nascimento date_de_naissance data_di_nascita geburtsdatum geboortedatum
    fodelsedatum fodselsdato fodselsdag syntymaaika syntymapaiva data_urodzenia datum_narozeni datum_narodenia szuletesi_datum
    szuletesi_ido data_nasterii data_nasterii datum_rodenja datum_rojstva дата_на_раждане дата_рождения дата_народження датум_рођења
    ημερομηνια_γεννησης ημ_γεννησης ημ_νια_γεννησης ετος_γεννησης dogum_tarihi تاريخ_الميلاد תאריך_לידה تاریخ_تولد जन्म_तिथि जन्मतिथि
    tanggal_lahir tarehe_ya_kuzaliwa ngay_sinh 생년월일 生年月日 出生日期
    """,
    "national_id": """
    رقم_الهوية الهوية هوية رقم_الهوية_الوطنية السجل_المدني الرقم_القومي رقم_البطاقة الرقم_الوطني جواز_السفر رقم_الجواز
    תעודת_זהות מספר_זהות ת_ז کد_ملی شماره_ملی आधार nik no_ktp nomor_induk_kependudukan nambari_ya_kitambulisho kitambulisho nida
    cccd cmnd so_cccd can_cuoc_cong_dan 個人番号 身份证号码 公民身份号码 αδτ αριθμος_ταυτοτητας αμκα εγν егн јмбг
    szemelyi_szam szemelyazonosito taj_szam adoazonosito samordningsnummer d_nummer steuer_identifikationsnummer personalausweisnummer
    kimlik_no tc_no t_c_kimlik tc_kimlik_no numar_act cod_numeric_personal emirates_id civil_id national_identity identity_card
    """,
    "tax_id": """
    αφμ α_φ_μ vergi_no vergi_numarasi vergi_kimlik_no vkn tax_id tax_number الرقم_الضريبي steuernummer codice_fiscale_piva npwp
    """,
    "phone": """
    telefonu telefonul telefonszama telefonnumer telefonnr tlf_nr telefonas telefonni telefonne cep_telefonu cep_tel gsm_no irtibat_no
    κινητο κινητο_τηλεφωνο τηλ جوال الجوال رقم_الجوال رقم_الهاتف محمول الهاتف_المحمول נייד מספר_טלפון تلفن شماره_تماس موبایل फोन मोबाइल दूरभाष
    nomor_telepon nomor_hp nambari_ya_simu so_dien_thoai sdt 携帯電話 手机号 手機 联系电话 聯絡電話 휴대전화 핸드폰 мобильный мобилен телефонен
    komorka tel_komorkowy matkapuhelin puhelinnumero mobiltelefon mobiltelefonszam numar_de_telefon broj_telefona telefonska_stevilka
    """,
    "email": """
    البريد_الإلكتروني دוא_ל ایمیل ईमेल surel barua_pepe thu_dien_tu ηλεκτρονικο_ταχυδρομειο имейл ел_пошта
    """,
    "address": """
    العنوان عنوان_السكن כתובת_מגורים آدرس نشانی पता alamat_rumah anwani dia_chi_nha διευθυνση_κατοικιας adres_zamieszkania
    lakohely lakohelye bostadsadress bopael bopaelsadresse kotiosoite woonadres wohnanschrift adresse_du_domicile domicilio_fiscal
    indirizzo_di_residenza endereco_residencial adresa_bydliste adresa_domiciliu prebivaliste stalno_prebivaliste адрес_проживания
    адреса_проживання адрес_на_живеене ikamet_adresi ev_adresi
    """,
    "plate": """
    رقم_اللوحة لوحة מספר_רישוי پلاک नंबर_प्लेट nomor_polisi plat_nomor bien_so αριθμος_κυκλοφοριας πινακιδα plaka_no регистрационен_номер
    номер_автомобіля registreringsskilt rekisterinumero rekisteritunnus rendszam numar_inmatriculare registrska_stevilka spz_vozidla
    """,
    "public_role": """
    candidate candidato candidata candidat candidats kandidat kandydat kandidaat kandidatin jelolt υποψηφιος υποψηφιου кандидат aday مرشح
    candidatto ehdokas kandidati proposer proposant proponent proponente proponents wnioskodawca_projektu elu elus elected elected_official
    concejal consigliere conseiller councillor councilor council_member regidor alcalde alcaldesa sindaco maire mayor burgermeister deputy diputado diputada
    vereador radny zastupitel 후보자 후보 候補者 候选人 議員
    """,
    "organisation": """
    المنشأة منشأة الشركة شركة المؤسسة مؤسسة الجهة επιχειρηση εταιρεια επωνυμια kurum kurulus isletme sirket unvan חברה עסק شرکت سازمان कंपनी
    संस्था perusahaan instansi kampuni cong_ty yritys foretag virksomhed firma firmy podnik vallalkozas предприятие фирма підприємство
    """,
}  # fmt: skip
STEMS: tuple[tuple[str, str], ...] = (
    ("telefon", "phone"), ("телефон", "phone"), ("τηλεφων", "phone"), ("telephon", "phone"), ("ιδιοκτητ", "holder"), ("e_mail", "email"),
)  # fmt: skip
"""Beginnings of words that are declined: telefonu, телефона, ιδιοκτήτη."""
