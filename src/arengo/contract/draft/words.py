# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""What column names mean, in the languages of city halls: concepts and the words that stand for them.

Words are lower case without accents; several words are joined by ``_``. A name is cut into its words (camel case,
digits, marks) and compared word by word; scripts without blanks are searched for the word inside the name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from arengo.contract.draft.person_headers import BEGINNINGS, HEADERS
from arengo.contract.draft.person_words import PERSON_CONCEPTS, STEMS

CONCEPTS: dict[str, str] = {
    # places
    "latitude": "lat latitude latitud latitudine latitudo breitengrad breite geobreite breedtegraad szerokosc enlem "
    "sirka zemepisna_sirka szelesseg leveysaste latitud_y gps_lat широта широті шырата 위도 緯度 纬度 γεωγραφικο_πλατος "
    "خط_العرض קו_רוחב latitudine_y breddegrad",
    "longitude": "lon lng long longitude longitud longitudine longitut langengrad laengengrad lange geolange "
    "lengtegraad dlugosc boylam zemepisna_delka delka hosszusag pituusaste gps_lon gps_lng longtitude longitute "
    "долгота довгота 경도 経度 經度 经度 γεωγραφικο_μηκος خط_الطول קו_אורך lengdegrad",
    "x": "x χ souradnice_x wspolrzedna_x wsp_x eov_y x_eov e_sweref sweref_e e_etrs89 itakoordinaatti ita_koordinaatti koord_x saga_deger x_egsa coordx xcoord utmx utm_x x_utm easting este est ost rechtswert coord_x x_coord coordenada_x x_coordinate "
    "coordonnee_x coordonnees_x coordinata_x x_etrs89 x_lambert93 x_l93 x_wgs84 x_lambert lambert_x "
    "koordinate_x xkoord "
    "x_koordinate e_koordinate punkt_x pos_x geo_x x_gk x_rd x_cord utm_este coor_x utm_e x_centroid centroid_x",
    "y": "y υ souradnice_y wspolrzedna_y wsp_y eov_x y_eov n_sweref sweref_n n_etrs89 pohjoiskoordinaatti pohjois_koordinaatti koord_y yukari_deger y_egsa coordy ycoord utmy utm_y y_utm northing norte nord hochwert coord_y y_coord coordenada_y y_coordinate "
    "coordonnee_y coordonnees_y coordinata_y y_etrs89 y_lambert93 y_l93 y_wgs84 y_lambert lambert_y "
    "koordinate_y ykoord "
    "y_koordinate n_koordinate punkt_y pos_y geo_y y_gk y_rd y_cord utm_norte coor_y utm_n y_centroid centroid_y",
    "street": "street calle rue via strasse str straat carrer rua ulica ulice utca strada gata gate vej katu "
    "cadde sokak "
    "avenue avenida avenue viale piazza plaza place platz plac улица вулиця ул οδος 도로명 道路 街道 street_name road voie "
    "toponyme cross_street interseccion intersection adresse_voie nom_voie nombre_via via_nombre odonyme",
    "address": "address adresse direccion domicilio indirizzo endereco morada adreca adres adresa cim adressen "
    "adress "
    "osoite anschrift wohnadresse adresi adres_zamieszkania ubicacio ubicacion residence residencia residenza "
    "domicile "
    "wohnort адрес адреса διευθυνση 주소 소재지 도로명주소 지번주소 住所 所在地 地址 عنوان العنوان כתובת alamat dia_chi dom addr "
    "street_address home_address full_address lakcim bydliste trvale_bydliste zamieszkanie hausanschrift",
    "home": "domicilio_reclamo home residence residencia residenza domicile domicilio wohnort wohnung "
    "wohnadresse privat private particular "
    "morada residencial casa personal incident applicant complainant requester owner propietario zamieszkania "
    "zamieszkanie "
    "bydliste lakcim titular solicitante demandeur",
    "postcode": "postcode postal_code zip zipcode zip_code plz postleitzahl codigo_postal cod_postal cp cap "
    "code_postal "
    "cep psc kod_pocztowy iranyitoszam posta_kodu postnummer postnr postinumero postal codi_postal cpostal c_p "
    "pc4 pc6 "
    "индекс τκ τ_κ ταχυδρομικος_κωδικας irsz 우편번호 郵便番号 邮编 郵遞區號 incident_zip codepostal codigopostal postcodes "
    "eircode pincode pin_code kodi_postar",
    "house_number": "number numero num house_number hausnummer hsnr huisnummer nro numero_civico civico portal "
    "numer_domu "
    "husnummer cislo_popisne street_number n_civico nr_domu no_voie numero_voie",
    # persons
    "email": "email e_mail mail correo correo_electronico courriel emailadresse e_post epost sahkoposti "
    "posta_elettronica "
    "mel email_address e_mail_adresse adres_e_mail эл_почта почта 이메일 전자우편 メール 邮箱 電子郵件 البريد_الالكتروني",
    "phone": "phone telephone telefono telefon telefone tel tlf tfno telf movil mobile celular cell cellulare handy "
    "telefoon telefonnummer puhelin puh telefonszam phone_number contact_number portable gsm mobil mobilnummer mob "
    "telephone_number numero_telefono telefonos telemovel telemobil телефон тел τηλεφωνο 전화 전화번호 연락처 휴대폰 電話 電話番号 电话 "
    "手机 هاتف الهاتف טלפון dien_thoai no_hp no_telepon telepon simu",
    "fax": "fax telefax telecopie telecopieur fax_number faks факс 팩스 fax번호 传真 傳真",
    "first_name": "first_name firstname given_name givenname forename prenom prenoms nombre_pila nom_pila "
    "nome_proprio "
    "vorname voornaam imie jmeno krestni_jmeno keresztnev fornavn fornamn etunimi prenume ime ad nombres имя ονομα 名",
    "last_name": "last_name lastname surname family_name apellido apellidos primer_apellido segundo_apellido "
    "apellido1 "
    "apellido2 cognome cognoms cognom nom_famille nom_de_famille nachname familienname achternaam nazwisko prijmeni "
    "priezvisko vezeteknev etternavn efternavn efternamn sukunimi sobrenome apelido prezime soyad soyadi nume "
    "фамилия "
    "прізвище επωνυμο 姓 nom_usage nom_naissance nom_patronymique",
    "full_name": "full_name fullname nombre_apellidos nombre_y_apellidos apellidos_y_nombre apellidos_nombre "
    "nombre_completo "
    "nome_e_cognome nome_cognome cognome_nome nominativo nome_completo nom_prenom nom_et_prenom noms_i_cognoms "
    "nom_i_cognoms "
    "vollstandiger_name imie_i_nazwisko nazwisko_i_imie jmeno_a_prijmeni prijmeni_a_jmeno nev navn namn "
    "ad_soyad adi_soyadi "
    "фио ф_и_о піб π_ονοματεπωνυμο ονοματεπωνυμο 성명 이름 氏名 姓名 名前 الاسم_الكامل اسم ho_va_ten ho_ten nama "
    "nama_lengkap jina",
    "person": "person persona personne owner propietario proprietario proprietaire eigentumer eigenaar inhaber "
    "titular "
    "titolare titulaire applicant solicitante demandeur richiedente requerente antragsteller aanvrager "
    "wnioskodawca zadatel "
    "beneficiary beneficiario beneficiaire begunstigter contact contacto contatto referente responsable responsabile "
    "responsavel ansprechpartner kapcsolattarto officer case_officer agente responsabile_procedimento rup "
    "relator requester_name ugyfel tulajdonos kontaktna_osoba kontaktni_osoba yhteyshenkilo kontaktperson "
    "ilgili_kisi contact_person contact_name contactpersoon persona_contacto proposer proposant proponente "
    "author autor auteur autore verfasser elu elus elected concejal consigliere conseiller councillor councilor "
    "regidor "
    "alcalde alcaldesa sindaco maire mayor burgermeister deputy diputado asesor employee empleado dipendente "
    "agent_name "
    "mitarbeiter funcionario servidor servidor_publico empregado employee_name driver conductor fahrer patient "
    "paciente maintainer maintained_by mantenedor "
    "paziente student alumno alumna eleve studente schuler pupil teacher docente profesor enseignant insegnante "
    "tenant "
    "inquilino locataire inquilino mieter landlord victim victima defendant acusado resident residente bewohner "
    "citizen "
    "ciudadano cittadino citoyen burger cidadao candidate candidato candidat candidata kandidat kandydat signer "
    "firmante "
    "member miembro membre mitglied membro membro director directora directeur direttore legal_representative "
    "representante "
    "representant rappresentante apoderado licensee licenciatario permit_holder contractor_name taxpayer "
    "contribuyente "
    "contribuable contribuente deudor debtor participant participante teilnehmer president presidente inspector "
    "medico "
    "заявитель владелец собственник руководитель директор глава депутат ответственный керівник власник 대표자 대표자명 담당자 "
    "성함 신청인 소유자 代表者 代表者名 担当者 申請者 负责人 联系人 法定代表人 联络人 المالك المدير مقدم_الطلب بעלים υπευθυνος",
    "organisation": "organisation organization organismo organizacion empresa company societe societa firma bedrijf "
    "business association asociacion asso associazione associacao verein vereniging stowarzyszenie ong ngo "
    "institution "
    "institucion entidad entita entite entity supplier proveedor fournisseur fornitore fornecedor lieferant "
    "contractor "
    "contratista adjudicatario adjudicataria department departamento departement direction direccion_general "
    "agency agencia "
    "ministry service servicio servizio school escuela ecole scuola schule hospital clinic farmacia pharmacy library "
    "biblioteca bibliotheque museum museo station estacion stazione hotel restaurant restaurante ristorante "
    "razon_social "
    "ragione_sociale raison_sociale denominazione establecimiento etablissement einrichtung facility equipamiento "
    "equipement equipament centro centre local_name trade_name nombre_comercial 업체명 상호 기관명 시설명 会社 事業所 施設 施設名 企业 单位 "
    "организация учреждение компания school_name",
    "national_id": "dni nif nie nif_nie documento_identidad num_documento numero_documento doc_identidad cedula "
    "cedula_ciudadania "
    "curp rfc cpf rut run cuil codice_fiscale cod_fiscale codfisc cf bsn burgerservicenummer pesel rodne_cislo "
    "rc personnummer "
    "personnr fodselsnummer cpr cpr_nummer henkilotunnus hetu ssn social_security nino national_insurance niss "
    "nir insee_nir "
    "numero_securite_sociale steuer_id steuerid idnr nin tckn tc_kimlik cnp egn oib jmbg emso amka isikukood "
    "asmens_kodas "
    "personas_kods national_id id_number identity_number id_card document_number snils inn_fiz снилс паспорт рнокпп "
    "주민등록번호 주민번호 身份证 身份证号 マイナンバー aadhaar passport pasaporte passeport passaporto reisepass paszport carne_identidad "
    "numero_identificacion nro_documento nric ic_number kennitala",
    "birth": "birth birthdate birth_date date_of_birth dob nacimiento fecha_nacimiento fecha_nac fec_nac "
    "f_nacimiento naissance "
    "date_naissance nascita data_nascita nascimento data_nascimento naixement data_naixement geburt "
    "geburtsdatum geburtstag "
    "geb_datum geboorte geboortedatum urodzenia data_urodzenia narozeni datum_narozeni szuletes szuletesi "
    "fodelsedatum "
    "fodselsdato syntymaaika dogum dogum_tarihi nasterii data_nasterii rodjenja datum_rodjenja birth_year "
    "birthyear yob "
    "ano_nacimiento anno_nascita annee_naissance geburtsjahr ano_nascimento rok_urodzenia рождения "
    "дата_рождения год_рождения "
    "народження дата_народження γεννησης ημερομηνια_γεννησης 생년월일 출생년도 生年月日 出生日期 تاريخ_الميلاد",
    "age": "age edad eta edat idade alter leeftijd wiek vek kor alder ika yas varsta starost возраст вік ηλικια "
    "나이 연령 年齢 年龄 "
    "العمر umri voter_age patient_age victim_age perp_age age_years",
    "sex": "sex gender sexe sexo sesso genere genero geschlecht geslacht plec pohlavi nem kjonn kon sukupuoli "
    "cinsiyet spol "
    "genre пол стать φυλο 성별 性别 性別 الجنس jinsia victim_sex perp_sex",
    "nationality": "nationality nationalite nacionalidad nazionalita nacionalidade nacionalitat staatsangehorigkeit "
    "nationaliteit obywatelstwo narodowosc citizenship cittadinanza ciudadania country_of_birth pais_nacimiento "
    "гражданство 국적 国籍 國籍 الجنسية",
    "ethnicity": "ethnicity ethnie etnia race raza raca cor_raca razza ethnic_group ethnic pueblo_indigena "
    "victim_race perp_race",
    "religion": "religion religione religiao confession konfession wyznanie вероисповедание 종교 宗教",
    "health": "diagnosis diagnostico diagnose diagnosi disease enfermedad maladie malattia disability "
    "discapacidad handicap "
    "disabilita deficiencia behinderung patologia medical_condition health_condition grado_discapacidad blood_type "
    "diagnostic comorbilidad niepelnosprawnosc диагноз инвалидность 장애 병명 病名",
    "income": "income salary salario sueldo retribucion ingreso_mensual stipendio revenu salaire gehalt "
    "einkommen inkomen "
    "wynagrodzenie remuneracion remuneration remuneracao renda ingresos base_salary annual_salary gross_pay "
    "зарплата 급여",
    "occupation": "occupation ocupacion profession profesion professione profissao beruf beroep zawod job_title "
    "puesto cargo",
    "marital": "marital_status estado_civil etat_civil stato_civile familienstand stan_cywilny burgerlijke_staat 혼인",
    "iban": "iban bank_account cuenta_bancaria cuenta_corriente kontonummer konto compte_bancaire "
    "conto_corrente ccc rib "
    "numero_cuenta account_number bankverbindung bic_iban numer_konta",
    "plate": "plate license_plate licence_plate number_plate matricula placa placas targa kennzeichen "
    "immatriculation "
    "kenteken rejestracja nr_rejestracyjny rendszam registracni_znacka spz regnr registreringsnummer plaka "
    "nr_inmatriculare "
    "patente dominio plate_id госномер номерной_знак 차량번호 ナンバー 车牌 車牌 plaque registration_plate summons_plate "
    "vehicle_plate",
    "person_id": "voter_id person_id citizen_id patient_id student_id employee_id user_id userid client_id "
    "customer_id "
    "id_persona id_ciudadano id_usuario id_alumno id_paciente id_cliente id_elector member_id resident_id "
    "id_cittadino "
    "id_utente matricola numero_empleado num_empleado employee_number personalnummer applicant_id respondent_id "
    "id_citoyen "
    "borrower_id card_holder rider_id participant_id id_familia family_id household_id id_hogar elector_id person_nr "
    "pupil_id identifiant_usager id_usager "
    "codice_alunno codice_studente codice_paziente codice_utente codice_dipendente codice_cittadino codice_persona "
    "codice_assistito codice_tessera id_alunno id_studente id_persona id_dipendente id_paziente matricola_alunno "
    "numero_tessera codigo_alumno codigo_paciente codigo_persona codigo_usuario codigo_ciudadano codigo_empleado "
    "num_alumno numero_alumno id_estudiante codigo_estudiante codi_alumne id_alumne codi_persona codi_usuari "
    "id_persona_usuaria codigo_aluno id_aluno numero_aluno codigo_utente numero_utente id_cidadao id_pessoa "
    "code_eleve id_eleve numero_eleve identifiant_eleve id_etudiant numero_etudiant id_patient numero_patient "
    "id_personne numero_usager id_agent_public numero_allocataire id_allocataire code_usager "
    "schuler_id schueler_id schulernummer schuelernummer schuler_nr schueler_nr patienten_id patientennummer "
    "personen_id personen_nr person_nummer burger_id buerger_id benutzer_id nutzer_id kunden_id kundennummer "
    "mitarbeiter_id matrikelnummer teilnehmer_id student_number student_no pupil_number pupil_no patient_number "
    "patient_no person_number citizen_number case_person_id passenger_id subscriber_id library_card anon_id "
    "id_socio id_abonado id_beneficiario id_beneficiaire id_votante id_votant id_elettore id_wahler",
    "username": "username user_name nick nickname login usuario utilisateur utente benutzer benutzername pseudo "
    "alias "
    "screen_name twitter instagram",
    "ip": "ip ip_address direccion_ip adresse_ip indirizzo_ip client_ip remote_addr",
    "free_text": "comment comments comentario comentarios commentaire commento bemerkung kommentar observacion "
    "observaciones "
    "observation observations osservazioni note notes notas nota remarks descripcion description descrizione "
    "beschreibung "
    "descricao descripcio opis popis message mensaje texto detail detalle details testo text",
    # times
    "date": "更新時間 更新日時 日時 時間 일시 작성일 设置时间 时间 date fecha data datum dia tag jour giorno day dag pvm paivamaara "
    "tarih ημερομηνια дата 일자 날짜 年月日 日付 日期 التاريخ "
    "timestamp created updated opened closed created_at updated_at createdon at since until desde hasta inicio "
    "fin start end "
    "debut alta baja fecha_alta data_inizio data_fine von bis begin beginn ende ngay kdy kuupaev fec fch dt "
    "ddebut dfin",
    "year": "year ano any anno annee jahr jaar rok ev ar vuosi yil an god год рік ετος χρονος 년도 연도 年 年度 السنة "
    "anio exercice "
    "ejercicio esercizio exercicio yr aar godina anul aasta campagne",
    "month": "month mes mois mese monat maand miesiac mesic honap maned manad kuukausi ay luna mjesec месяц "
    "місяць μηνας 월 月 الشهر",
    "hour": "hour hora heure ora stunde uur godzina hodina ora time uhrzeit zeit heure horaire час 시간 時 "
    "time_of_day tijd",
    # codes, keys, measures
    "code": "code codigo codice codi kod cod cd kode koodi код kodu 코드 コード 代码 κωδικος kodas kods sifra codes",
    "id": "id ident identifier identificador identifiant identificativo identificatore uuid guid gid fid oid "
    "objectid object_id "
    "ogc_fid key clave cle chiave schlussel nummer kennung unique_key ref reference referencia referenza "
    "expediente folio "
    "numero_expediente dossier registro lfd_nr lfdnr recordid record_id global_id globalid rowid 번호 일련번호 연번 "
    "管理番号 编号 номер ид",
    "order": "index idx row_number rownum n no nr num lp l_p pos posicion orden ordre ordine row",
    "official_code": "insee code_insee siret siren istat codice_istat cod_istat nuts nuts3 lau fips geoid ags "
    "gkz cnae naf nace "
    "ean isbn issn gtin rna uai codeinsee code_uai cnpj cuit nit ruc p_iva piva partita_iva vat_number vat cif "
    "kvk regon nip ico "
    "ehak lsoa uprn usrn toid gss bbl bin censustract tract blockgroup ref_catastral refcat "
    "referencia_catastral catastro "
    "siae krs edrpou едрпоу инн огрн окато октмо кадастровый_номер 법정동코드 행정동코드 사업자등록번호 法人番号 全国地方公共団体コード "
    "cod_ibge uei naics phone_code unspsc cpv",
    "count": "residenti residents residentes mieszkancow obyvatel asukkaat asukasluku πληθυσμος население людей invanare indbyggere anz einw bev populacao nufus vakinyi pop valore pocet_obyvatel lakosok hombres mujeres femmes "
    "hommes maenner frauen rank count total totale totaal gesamt suma valor value wert anzahl aantal "
    "numero_de nombre_de n_ number_of population "
    "poblacion popolazione bevolkerung einwohner obs_value importe amount montant betrag menge cantidad "
    "quantity quantita "
    "qty habitantes hab persones persons personas personnes viviendas households effectif effectifs personen "
    "cases casos "
    "freq frequency liczba pocet broj darab antal lukumaara количество число кількість 인구 人口 人数 件数 수 valeur num_",
    "flag": "is has flag active activo activa actif attivo ativo aktiv enabled exists tiene hay valid valido "
    "valide visible "
    "deleted selected bool indicator indicador oui_non si_no ja_nein yes_no public",
    "facility": "escola escolas unidade playground haltestelle aparcamiento otopark bibliotecas escuelas ecoles "
    "schulen skoly skola koulu okul 学校 학교 station school hospital pharmacy library museum park stop parking "
    "equipment equipement equipamiento bin "
    "container tree arbol arbre albero baum especie species escuela ecole scuola schule parada fermata arret "
    "haltestelle "
    "capacity capacidad capacite horario opening_hours horaires ouverture orari oeffnungszeiten oppervlakte "
    "etablissement "
    "establecimiento farmacia biblioteca museo playground toilet fuente monumento monument hotel restaurant "
    "market mercado",
    "case": "complaint incident request reclamo queja denuncia incidencia segnalazione signalement anfrage "
    "beschwerde zgloszenie "
    "case ticket solicitud demande richiesta permit permiso permis permesso genehmigung licencia licence "
    "license crime delito "
    "delit reato accident accidente incidente unfall wypadek violation infraccion infraction multa fine "
    "service_request inspection "
    "민원 신고 苦情 投诉",
    "name": "name nombre nom nome naam bezeichnung nazwa nazev nev navn namn nimi nume naziv adi isim "
    "denominacion denominazione "
    "denominacio libelle titulo titol titolo titre titel title intitule название наименование назва ονομα 이름 명칭 "
    "名称 名稱 الاسم",
    "url": "url web website link sitio_web internet site page homepage uri href pagina_web foto photo image imagen",
    "quarter": "quarter trimestre trimestrial quartal kwartal kwartaal ctvrtleti negyedev 분기 四半期 季度",
    "elevation": "altitude altitud altitudine elevation elevacion hohe cota height",
    "total_word": "total totals totale totales totaux gesamt insgesamt summe suma sum razem ogolem celkem "
    "osszesen totalt yhteensa "
    "toplam genel_toplam итого всего разом всього συνολο 합계 총계 소계 計 合計 総数 总计 合计 總計 المجموع الإجمالي סהכ tong "
    "tong_cong jumlah "
    "ukupno skupaj kopa viso kokku",
}

_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])")
_CUT = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"(?<=\D)(?=\d)|(?<=\d)(?=\D)")


def plain(text: str) -> str:
    """Lower case, accents off, the ligatures opened."""
    text = text.translate(_LIGATURES)
    out = unicodedata.normalize("NFKD", text)
    out = "".join(char for char in out if not unicodedata.combining(char) or not _latin_before(char))
    return unicodedata.normalize("NFC", out).casefold().replace("ı", "i")


def _latin_before(char: str) -> bool:
    # Combining marks of Indic and Thai scripts are letters of their own; those of Latin, Greek, Cyrillic are accents.
    return unicodedata.combining(char) in (1, 202, 216, 220, 230, 240)


_LIGATURES = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ı": "i",
        "Æ": "AE",
        "Œ": "OE",
        "þ": "th",
        "ð": "d",
    }
)


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a column name: ``Tel_Asso`` -> tel, asso; ``CreatedDate`` -> created, date."""
    spaced = _CAMEL.sub(" ", name.strip())
    parts = [part for part in _CUT.split(plain(spaced)) if part]
    return tuple(parts)


@cache
def _lexicon() -> tuple[dict[str, set[str]], dict[str, list[str]]]:
    exact: dict[str, set[str]] = {}
    inside: dict[str, list[str]] = {}
    for concept, text in (*CONCEPTS.items(), *PERSON_CONCEPTS.items(), *HEADERS.items()):
        for word in text.split():
            word = plain(word)
            exact.setdefault(word, set()).add(concept)
            if concept in ("holder", "sure_name"):
                exact[word].add("person" if concept == "holder" else "full_name")
            if (not word.isascii() and ord(max(word)) >= 0x0900 and max(word) < "\u1e00") or max(word) >= "\u2e80":
                inside.setdefault(concept, []).append(word.replace("_", " "))
    return exact, inside


@cache
def concepts(name: str) -> frozenset[str]:
    """Concepts a column name stands for; empty when no word of it is known."""
    exact, inside = _lexicon()
    parts = list(words(name))
    found: set[str] = set()
    pieces = list(parts)
    for part in parts:
        pieces += [piece for piece in _DIGITS.split(part) if piece and not piece.isdigit()]
        if part.startswith("ال") and len(part) > 4:
            pieces.append(part[2:])  # the Arabic article
        found |= {concept for stem, concept in (*STEMS, *BEGINNINGS) if part.startswith(stem)}
    for size in (1, 2, 3, 4):
        for start in range(len(parts) - size + 1):
            joined = "_".join(parts[start : start + size])
            found |= exact.get(joined, set())
            found |= exact.get(joined.replace("_", ""), set()) if size > 1 else set()
    for piece in pieces:
        found |= exact.get(piece, set())
        if piece.endswith("s") and len(piece) > 4:
            found |= exact.get(piece[:-1], set())
    for part in parts:
        if len(part) >= 9 and part.isascii() and part not in exact:
            for word, meant in exact.items():
                if len(word) >= 7 and "_" not in word and word in part:
                    found |= meant
    low = plain(name)
    for concept, terms in inside.items():
        if any(term in low for term in terms if len(term) > 1) or low.strip() in terms:
            found.add(concept)
    if "holder" in found:
        found.add("person")
    if "sure_name" in found:
        found.add("full_name")
    return frozenset(found)


def means(name: str, *wanted: str) -> bool:
    """Does the name stand for one of the concepts?"""
    return not concepts(name).isdisjoint(wanted)


def exactly(name: str, concept: str) -> bool:
    """Is the whole name one word of the concept: ``X``, ``lat``, ``Edad``?"""
    exact, inside = _lexicon()
    joined = "_".join(words(name))
    return concept in exact.get(joined, set()) or plain(name).strip() in inside.get(concept, ())
