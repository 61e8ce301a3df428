# ruff: noqa: E501, SIM905, RUF100 - word lists read better as text
"""Headers about persons as registers of city halls write them: abbreviated, declined, run together.

Words as in :mod:`words` (plain, joined by ``_``). What is short is only here where the values must agree as well
(a date under *geb*, a number under *doc*); :mod:`people` sees to that.
"""

from __future__ import annotations

HEADERS: dict[str, str] = {
    "first_name": """
    nm_aluno_nome pnombre primer_nombre segundo_nombre nombre_alumno nombre_alumna nom_infant nom_alumne nom_de_pila nome_bambino nome_minore
    nome_figlio vorname_kind kind_vorname rufname roepnaam voornamen voorletters given forenames first_names prenom_eleve prenom_enfant
    prenom_usuel tilltalsnamn kutsumanimi etunimet utonev keresztneve ime_djeteta ime_deteta ime_otroka imie_dziecka imiona imie_ucznia
    jmeno_ditete jmeno_zaka meno meno_dietata prenumele prenume_copil ονομ πατρωνυμο μητρωνυμο ονομα_πατρος ονομα_μητρος πατρωνυμ μητρωνυμ
    nombre_pila nom_propi nome_proprio primeiro_nome vards pavarde_vardas vardas eesnimi fornafn
    """,
    "last_name": """
    ap_paterno ap_materno a_paterno a_materno apellido_paterno apellido_materno paterno materno ap1 ap2 ape1 ape2 apellido_1 apellido_2 1er_apellido
    2o_apellido primer_cognom segon_cognom nom_eleve nom_enfant nom_patronymique nom_jeune_fille nom_naiss nom_marital nom_famille_usage nom_usager
    name_kind kind_name kindname geburtsname ledignamn flicknamn surnames legal_surname preferred_surname maiden_name cogn cognome_alunno
    nazwisko_dziecka nazwisko_rodowe prijmeni_ditete rodne_prijmeni leanykori_nev szuletesi_nev nume_familie nume_de_familie prezime_djeteta priimek_otroka
    επων επωνυμ slaegtsnavn perekonnanimi uzvards pavarde tussenvoegsel naam_achternaam
    """,
    "sure_name": """
    ime_prezime imie_nazwisko imie_i_nazwisko_dziecka nazwisko_imie jmeno_prijmeni prijmeni_jmeno nume_prenume nume_si_prenumele nom_cognoms cognoms_nom
    nombre_apellidos apellido_nombre apellido_y_nombre apellidos_nombre ap_nombre ape_nom apenom apynom apynombre nombre_apellido nombre_y_apellido nom_y_ape
    nomape cognomenome nome_cogn cogn_nome nominativo_alunno nom_prenoms name_vorname vorname_name vor_nachname nachname_u_vorname naam_voornaam
    gyermek_neve anyja_neve apja_neve kerelmezo_neve tanulo_neve nev_es barnets_namn barnets_navn elevens_namn elevens_navn navn_barn elevnamn
    lapsen_nimi oppilaan_nimi huoltajan_nimi hakijan_nimi nome_mae nome_pai nome_da_mae nome_do_pai filiacao nome_aluno nome_paciente nome_utente
    nombre_madre nombre_padre nom_mere nom_pere nome_madre nome_padre ονομ_νυμο ονοματεπωνυμ ονοματεπ name_of_child child_name pupil_name patient_name
    client_name customer_name claimant_name tenant_name resident_name holder_name name_of_applicant owner_name participant_name staff_name
    nm_aluno nm_pessoa nm_paciente nm_mae nm_servidor nm_beneficiario nom_complert nombre_completo_alumno nom_complet_eleve volledige_naam_kind
    ad_soyad ogrenci_adi
    """,
    "holder": """
    detentore detentrice possessore detentor donor donors donatore donante donateur donatrice spender darczynca darce lainaaja brukare hyresgast laner laane lantagare kortinnehavare uczestnik uczestniczka ucastnik resztvevo participanti sudionik obdareny prijemce prihlaseny zglaszajacy poszkodowany obwiniony obvineny serult aspirante aspirant opositor opositora admitido participant_e voluntario voluntaria voluntari volontario benevole freiwillige entrenador allenatore entraineur trainer jugador giocatore joueur spieler gracz hrac atleta sportif
    concessionario concessionaria concessionaire concessionaires concesionario obbligato_in_solido trasgressore sanzionato contravventore intestataria
    assegnatario assistito assistita tutore genitore madre padre figlio figlia minore coniuge erede eredi delegato delegante elettore scrutatore iscritto tesserato
    conducente autista assistente_sociale assistente educatore referente_familiare caregiver badante tutor tutora mare pare padres madres progenitor
    progenitora progenitore responsable_legal representante_legal tutor_legal conyuge hijo hija heredero causante infractor infractora denunciado denunciada
    sancionado jefe_hogar jefe_de_hogar jefa_hogar cabeza_familia postulante inscripto inscripta inscrito inscrita afiliado afiliada socio socia soci abonado usuaria usuari
    perceptor perceptora perceptor_a dirigente vecino vecina persona_usuaria encuestado encuestada entrevistado cuidador cuidadora tutor_a alumno_a vocal suplente
    ayant_droit ayants_droit parent parents pere mere enfant enfants conjoint usager usagere allocataire assure heritier contrevenant
    representant_legal responsable_legal adherent adherente abonne abonnee inscrite agent travailleur_social assistante_sociale referent_social
    resp_legal tuteur tutrice assistante_maternelle agent_verbalisateur proprietaires occupants halter halterin hundehalter
    tierhalter fahrzeughalter fahrer verstorbene verstorbener nutzungsberechtigter nutzungsberechtigte erziehungsberechtigter erziehungsberechtigte sorgeberechtigter sorgeberechtigte
    vater mutter kind kindes ehepartner angehorige hinterbliebene betroffener beschuldigter betreuer sachbearbeiter sachbearbeiterin vorgesetzter
    teilnehmerin schulerin bewerber bewerberin mitglied steuerpflichtiger abgabepflichtiger gebuhrenpflichtiger wahlhelfer
    enc_educacao encarregado encarregado_educacao encarregado_de_educacao arguido arguida infrator condutor condutora mae pai filho filha responsavel_legal
    utente municipe sepultado falecido falecida concessionario_jazigo contribuinte profissional segurado beneficiaria dependente tutelado cuidador_a
    indiener melder bezwaarmaker ouder ouders moeder vader kind_naam voogd partner overledene rechthebbende clienten client klant deelnemer werknemer
    vardnadshavare vardnadshavare_1 vardnadshavare_2 malsman handlaggare elev barn barnets foralder foraldrar mor far anhorig avliden gravsatt
    bostadssokande agaren foresatt foresatte verge saksbehandler avdode foraeldre foraelder borger sagsbehandler
    omistajan huoltaja huoltajat aiti isa lapsi lapsen asiakas vainaja puoliso tyontekija
    opiekun opiekun_prawny rodzic matka ojciec dziecko dziecka swiadczeniobiorca swiadczeniobiorcy mieszkaniec pracownik zmarly zmarla dysponent dysponent_grobu
    podatnik klient czytelnik opiekuna pelnomocnik kierowca sprawca zgloszajacy skladajacy rodzica matki ojca
    poplatnik poplatnika zakonny_zastupce zak_zastupce zastupce rodic matky otec otce dite ditete zak zaka ctenar klientka zemrely zesnuly najemce_hrobu zamestnanec
    ridic prestupce oznamovatel zakonny_zastupca rodica dieta dietata zomrely poplatnika
    gyermek anyja apja anya apa szulo szulo_neve gondviselo torvenyes_kepviselo munkavallalo elhunyt tanulo_neve ebtarto allattarto panaszos_neve
    copil copilului copil_nume parinte mama tata tutore_legal solicitantului asistat decedat contribuabil angajat persoana_indreptatita locatar_contract
    dijete djeteta dete roditelj majka otac skrbnik staratelj korisnik pokojnik umrli zaposlenik polaznik starsi oce mati otroka
    παιδι παιδιου μητερα πατερας κηδεμονας κηδεμονα γονεας γονεα θανων θανουσα ωφελουμενος ωφελουμενου δημοτης πολιτης υπαλληλος καταγγελλων αιτουντα δικαιουχων
    родител дете майка баща ребенок ребенка мать отец опекун законный_представитель умерший дитина дитини мати батько опікун померлий
    mother father child guardian parent next_of_kin spouse carer keyworker key_worker case_worker caseworker social_worker liable_party liable_person debtor keeper registered_keeper
    dog_owner plot_holder grave_owner bereaved foster_carer respondent client service_user customer claimant_2 offender defendant referee
    voter elector poll_clerk volunteer employee_name line_manager staff_member learner trainee attendee registrant
    """,
    "birth": """
    nasc nasci nac nacim nacimto fnac f_nac fe_nac fch_nac fecha_nacto fecnac dnaiss d_naiss date_naiss dat_naiss ne_le nee_le ne_e_le datnaiss datenaissance annee_naiss an_naiss naiss naix
    d_naix data_naix any_naix nato nata nato_il nata_il nato_a_il dt_nasc data_nasc dtnasc dt_nascimento dt_nascita datanascita dnasc ano_nasc anno_nasc luogo_e_data_nascita geb
    geb_dat geb_datum gebdat gebdatum geb_am geboren geboren_am geburtsdat geb_jahr gebjahr gebj gb_dat geboortejaar geboortedat gebdtm geb_dtm ur data_ur rok_ur dat_ur data_urodz rok_urodz
    nar dat_nar datum_nar rok_nar narozeni dat_narozeni datum_narozen narodeny dat_narodenia rod_dat datum_rod dat_rod god_rod godina_rodenja godiste godina_rodjenja roj datum_roj dat_roj
    szul szul_ido szul_dat szul_datum szulido szuldat szul_ev szuletesi_ev szuletesi_datuma fodd fodt fodelsear fodselsar fodselsaar fodselsdag fodd_ar foddatum fodelsedat f_dato
    synt synt_aika syntaika syntymavuosi syntymaajat s_aika synt_pvm nast data_nast data_nasterii_copil an_nastere anul_nasterii data_nasterii dn_copil γενν ημ_γενν ημ_νια_γενν ετος_γενν ημερ_γεννησης
    ημ_γεννησ dob d_o_b birthdt birth_dt bdate bday birthday yearofbirth year_of_birth born month_of_birth dateofbirth dt_birth sunniaeg synniaeg dzimsanas dzim_dat gimimo gim_data рожд д_р дата_рожд г_р год_рожд народж дата_нар
    """,
    "age": """
    lft leeftijd_jaar alder_ar aldur ikavuosi eta_anni anni_compiuti edad_anos edad_actual idade_anos age_at_date age_ans age_revolu altersjahr lebensalter wiek_lat vek_roky eletkor varsta_ani starost_god ηλικια_ετη anos_cumplidos age_yrs
    age_band tranche_age tranche_d_age grupo_edad rango_edad grup_edat altersgruppe altersklasse leeftijdsgroep leeftijdsklasse aldersgrupp ikaryhma grupa_wiekowa vekova_skupina korcsoport grupa_varsta fascia_eta fascia_d_eta classe_eta faixa_etaria ηλικιακη_ομαδα
    """,
    "sex": """
    m_v m_f f_m h_m h_f m_w w_m m_z m_k k_m v_m d_h h_d muz_zena
    geschl gesl gslcht sx sesso_alunno civ civilite civilidade anrede aanhef sexo_biologico genero_sexo genere_sesso plec_dziecka pohl neme nemek kjoenn koen sukup sex_code gender_code cod_sexo tp_sexo sg_sexo fylo φυλλο
    """,
    "national_id": """
    cod_fisc codfis c_f_alunno cf_alunno cod_fis codice_fisc codicefiscale nif_tutor nif_aluno nif_titular dni_titular dni_nie nie_nif num_dni n_dni dni_prop dni_tutor num_nif n_nif nro_dni n_dni_nie dninie nifnie rr_nr rrnr rijksregisternummer
    rijksreg_nr rijksregister niss_inss numero_national no_national registre_national n_secu num_secu no_secu num_ss n_ss no_ss secu numero_secu insee_individu nir_assure nss naf_nss niss_utente svnr sv_nr sv_nummer versicherungsnummer rvnr rv_nummer ahv ahv_nr avs no_avs
    steuer_idnr steueridentnr steuer_id_nr ident_nr_steuer rc rodne_c r_c rod_cislo rodcislo cislo_op taj taj_szam taj_sz adoazon ado_azonosito adoazonosito_jel adojel szem_szam szemelyi_sz cnp_titular cnp_copil c_n_p codnumericpersonal
    pesel_dziecka pesel_swiad nr_pesel pesel_nr pnr persnr_se pers_nr personnr_barn personnummer_barn person_nr fodselsnr fnr foedselsnummer cpr_nr cprnr cpr_no personnumer henktunnus hlotunnus henk_tunnus sotu
    oib_roditelja mbg jmbg_broj emso_st ημ_α_μ_κ_α α_μ_κ_α α_δ_τ αρ_ταυτοτητας αρ_δελτιου αρ_δελτιου_ταυτοτητας αμ_ικα upn uln nhs nhs_no nhs_number ni_no ni_number nino_no national_insurance_no pps pps_no ppsn
    curp_beneficiario curp_titular run_rut rut_dv rut_titular rut_dirigente rut_run run_dv rut_persona cuil_resp cuil_cuit cuit_cuil nro_cuil n_cuil nro_doc nrodoc num_doc numdoc nro_docum n_doc no_doc ndoc doc_ident doc_identidad documento_ident tipo_y_num_doc infractor_dni
    nro_cedula no_cedula num_cedula n_cedula nuip cedula_identidad ced_identidad ced_ident ci_titular cpf_resp cpf_titular cpf_responsavel nr_cpf num_cpf nis nis_pis pis pasep pis_pasep nit_pis rg_num nr_rg num_rg cns cartao_sus cartao_nacional_saude
    tsi cip cip_sns ssn_last sin_number bsn_nr bsn_kind burgerservicenr sofinr sofi_nummer ahvn13 isikukood_lapse ik_kood asm_kodas pers_kods hetun
    """,
    "document_id": """
    carta_identita carta_d_identita ci_numero num_ci n_ci seria_ci seria_nr_ci serie_ci serie_si_nr_ci nr_ci bi_cc bi cc_num num_cc cartao_cidadao cartao_de_cidadao nr_bi num_bi n_bi passaporte passport_no passport_number
    pass_nr paszport_nr nr_paszportu nr_dowodu dowod seria_i_nr_dowodu nr_dowodu_osobistego cislo_pasu cislo_dokladu cislo_obcanskeho_prukazu szig szig_szam szemelyi_ig_szam personalausweis ausweisnr ausweis_nr ausweisnummer fuhrerschein fuhrerscheinnr
    permiso_conducir n_permiso_conducir carnet_conducir lic_conducir licencia_conducir patente_guida n_patente num_patente patenteguida permis_conduire num_permis_conduire cnh carta_conducao n_carta_conducao driving_licence driver_license driving_licence_no licence_number_driver
    badge_serial badge_no blue_badge_no titre_sejour num_titre_sejour permesso_soggiorno n_permesso_soggiorno rijbewijsnr rijbewijsnummer id_kaart_nr legitimationsnummer korkort korkortsnummer ajokortti nr_permis nr_prawa_jazdy αρ_διαβατηριου folkeregister
    """,
    "person_id": """
    num_abonat n_abonat nr_abonat no_abonne num_abonne matricula korttinumero korttinro kortnummer kortnr kartennummer karten_nr kartennr kaartnummer kaartnr nr_karty_czyt id_utente_web id_donor donor_id id_voluntario id_jugador lanekortnummer numero_unico demandeur_id nud
    matr mat_dip matricola_dip matricola_agente matricola_studente n_tessera num_tessera nr_tessera tessera codice_iscritto cod_alunno cod_assistito cod_utente cod_persona cod_cittadino id_assistito id_iscritto id_nucleo cod_famiglia n_socio num_socio no_socio nro_socio
    carnet num_carnet n_carnet nro_carnet n_elector nro_elector num_elector no_elector n_afiliado nro_afiliado num_afiliado nro_legajo legajo num_expediente_personal nrp num_registro_personal id_encuestado id_encuesta_persona id_entrevistado id_afiliado id_hogar cod_hogar cod_familia
    id_persona_entrevistada num_usuario n_usuario cod_usuario id_titular cod_titular cod_alumno cod_persona_usuaria id_solicitante id_contribuyente num_contribuyente cod_contribuyente nro_contribuyente historia_clinica nro_historia num_historia nhc n_hist_clinica
    cd_aluno cd_pessoa cd_paciente cd_servidor cd_usuario cod_aluno nr_matricula ra_aluno matricula_aluno matricula_servidor matric_servidor cod_utente n_utente num_utente nr_utente n_processo_aluno n_aluno num_aluno n_leitor num_leitor n_cartao
    num_alloc num_allocataire n_allocataire no_allocataire matricule matricule_agent matr_agent id_agent num_agent num_adherent n_adherent no_adherent num_carte n_carte no_carte num_usager n_usager no_usager ine num_ine id_foyer num_foyer id_assure num_licence_sportive num_licencie id_famille
    persnr pers_nr pnummer personalnr pers_no personal_nr personalnummer mitarbeiter_nr mitarbeiternr mitgliedsnr mitglieds_nr mitgliedsnummer mitgl_nr kundennr kunden_nr kd_nr kdnr leser_nr lesernr lesernummer leserausweis schulernr klientnr klienten_nr fallnr_person kassenzeichen debitor debitor_nr debitorennr steuerpflichtiger_nr patientennr patnr teilnehmernr burgerkonto
    llnr leerlingnr leerlingnummer leerling_id clientnr client_nr clientnummer klantnr klantnummer cliëntnummer lidnr lidnummer lid_nr debiteurnr debiteurnummer deelnemernr pasnummer pasnr personeelsnr personeelsnummer pers_nummer burgernr pashouder_id
    kundnr kundnummer elevnr elev_id elevnummer medlemsnr medlemsnummer anstallningsnr anst_nr anstnr lanekortsnummer lanekort lantagarnr klient_nr borger_id borgernr lanernummer laanernummer medlems_nr ansattnr ansattnummer
    asiakasnro asiakas_nro asiakasnumero jasennro jasennumero potilasnumero hlonro henkilonumero henkilostonumero kirjastokortti oppilasnumero
    nr_karty numer_karty nr_legitymacji nr_klienta nr_czytelnika id_czytelnika id_klienta id_mieszkanca id_ucznia nr_albumu nr_pracownika id_pracownika id_osoby nr_osoby cislo_karty cislo_prukazu cislo_ctenare id_ctenare c_prukazu cislo_klienta os_cislo osobni_cislo osobne_cislo id_zaka id_osoby_c cislo_zamestnance
    kartyaszam olvasojegy olvasojegyszam torzsszam torzskonyvi_szam_fo ugyfel_azonosito ugyfelszam ugyfelazon tagszam om_azonosito oktatasi_azonosito azonosito_szemely marca nr_marca marca_angajat cod_client id_client_persoana nr_legitimatie cod_abonat nr_permis_biblioteca id_elev broj_iskaznice broj_clanske id_korisnika id_polaznika maticni_broj_ucenika
    αρ_μητρωου αρ_μητρ αριθμος_μητρωου α_μ κωδ_μαθητη κωδ_ωφελουμενου αρ_καρτας αρ_μελους αμ_μαθητη member_ref member_no membership_no membership_number client_ref customer_ref customer_no pupil_ref pupil_no student_ref staff_no staff_id employee_no employee_ref payroll_no payroll_number acct_ref account_ref
    borrower_no borrower_number library_card library_card_no card_no cardno card_number cardnumber card_id person_ref service_user_id case_ref_person swift_id mosaic_id patient_ref tenant_ref rent_account tarjeta_ciudadana num_tarjeta n_tarjeta nro_tarjeta tarjeta numero_tarjeta id_tarjeta nr_cartao num_cartao numero_cartao tarjeta_transporte smartcard_id respondent_no household_no id_household hhid id_viviendahogar
    carta_cittadino num_carta n_carta tessera_sanitaria
    """,
    "phone": """
    telef telefo telf tlfn tlfno tfn tfn1 tfno_movil tel_movil movil_tutor telef_movil telem telemov telemovel tlm tlmv cel celu nro_cel num_cel tel_cel telcel fono fonos celular_contacto fone ddd_fone whatsapp wsp wapp tel_port port_tel telport no_portable tel_dom tel_domicile tel_resp tel_mere tel_pere tel_genitore tel_padre tel_madre
    cell_genitore recapito recapiti recapito_telefonico recapito_tel n_tel nr_tel no_tel num_tel tel_priv tel_privat handynr handynummer mobilfunk rufnummer telnr tel_nr tel_nummer telefoonnr telnummer mobiel mob_nr mobielnr gsmnr gsm_nr mob_ouder mobilnr mobiltlf tlfnr mobiltel mobtel puhnro puh_nro matkapuh gsm_numero nr_telefonu nr_tel_kom kom tel_kom nr_kom
    tel_c telefon_c mob_tel c_tel tel_cislo telszam tel_szam mobilszam nr_mobil nr_tel_mobil kontakt_mob kont_tel br_tel br_telefona broj_mob mobitel mob_broj tel_st τηλ τηλ_επικ κιν_τηλ κιν_τηλεφωνο κινητ σταθερο tel_no telno tel_nos contact_no contact_tel mobile_no mob_no phone_no ph_no parent_mobile home_tel home_phone work_phone emergency_contact_no cell_phone cellphone cellno
    """,
    "email": """
    correo_e correoe corr_elec mail_alumno correu correu_e correu_electronic correu_elect adr_mel adr_mail mel_perso courriel_perso emailadr email_adr mailadr mail_adr mailadresse epostadress e_post_adress e_postadresse e_mail_cim email_cim s_posti sahkopostios e_mailova adresa_e_mail adres_mail adr_email email_addr e_adresa el_posta ηλ_ταχ ηλ_ταχυδρομειο e_naslov pec
    """,
    "address": """
    res_via via_res calle_y_numero calle_y_num calle_numero calle_num calle_y_no rua_e_numero strasse_hausnr strasse_hausnummer ulica_i_nr_domu ulica_nr_domu straat_en_huisnummer rue_et_numero via_e_numero via_n_civico indirizzo_via ulice_cislo
    direc dir dir_vivienda direc_part dir_part direccion_part domicil domicili domiciliu domic domic_fiscal dom_part dom_calle adr adr_resp adr_dom adr_perso adr1 adresse1 adr_1 ad_resp adresse_resp addr1 address1 address_1 addr_1 add1 prop_addr property_address home_addr residential_address addressline1 address_line_1
    ind_residenza indir indirizzo_res ind_res ind_dom indirizzo_domicilio via_residenza residenza_via endereco_res end_residencial ender endere end_aluno logradouro morada_fiscal adreca_postal straat_nr straat_huisnr straatnaam_nr strasse_nr strasse_hausnr str_nr str_hnr strasse_hnr wohnadr wohnung adr_wohn hauptwohnsitz meldeadresse
    lahiosoite os_katu katuosoite postios hemadress bostadsadr utdelningsadress gatuadress folkbokforingsadress gateadresse bopaelsadr adr_zam adres_zam adres_zameld zameldowanie ulica_nr ul_nr ulica_i_nr ulica_a_cp ulice_a_c_p ulice_cp adr_bydl bydl trv_bydl trvaly_pobyt trv_pobyt adr_domiciliu domiciliul lakcim_utca utca_hsz utca_hazszam tart_hely tartozkodasi_hely lakoh
    adr_stan adresa_stan adresa_stanovanja adresa_prebivalista naslov_bivalisca naslov stalni_naslov δ_νση διευθ διευθυνσ δνση δ_νση_κατοικιας
    """,
    "postcode": """
    cpost c_postal codpost cod_post codi_post cp_domicilio cod_postale plz_ort plz_wohnort pc postnr_ort postnum kod_poczt kod_poczty psc_obec ir_szam irszam cod_p τ_κ_ postinro home_postcode post_code pcode zipc cep_residencial
    """,
    "plate": """
    matr_vehiculo matricula_1 matricula_2 matricula_vehiculo matr_veh matric_veh placa_veiculo placa_vehiculo nro_placa no_placa patente_vehiculo ppu immat immatricul no_immat num_immat plaque_immat n_immat kfz_kz kfz_kennz kfz_kennzeichen kennz amtl_kennz amtl_kennzeichen autokennzeichen kentekennr targa_veicolo targa_auto n_targa nr_rej nr_rejestr
    numer_rejestracyjny rz spz_rz reg_znacka reg_nr regnummer registreringsnr bilnummer nummerplade rek_nro rek_tunnus rekno rekisteri_nro reknro frsz forgalmi_rendszam nr_inmat nr_auto nr_circulatie reg_oznaka registracijska_oznaka tablice αρ_κυκλ αρ_κυκλοφ αριθμος_κυκλ vrm reg_no reg_plate vehicle_reg vehicle_registration veh_reg reg_mark lic_plate plate_no plateno dominio_vehiculo chapa chapa_vehiculo
    """,
    "iban": """
    cta_bancaria cta_cte cta nro_cuenta num_cuenta n_cuenta cuenta_abono cod_cuenta_cliente cbu cvu clabe cuenta_clabe compte_iban num_compte rib_iban coord_bancaires coordinate_bancarie conto_bancario num_conto nr_rachunku nr_rachunku_bankowego rachunek numer_rachunku nr_konta ktonr konto_nr kontonr rekeningnr rekeningnummer bankrekening bankgiro bankkonto bank_konto
    tilinro tilinumero pankkitili cislo_uctu c_uctu bankovni_ucet ucet_cislo szamlaszam bankszamla bankszamlaszam cont_iban cont_bancar nr_cont ziro_racun tekuci_racun racun_iban λογαριασμος αρ_λογαριασμου ιβαν conta_bancaria conta_corrente nib bank_acc bank_account_no acc_no account_no sort_code_account
    """,
    "card": """
    tarjeta_credito num_tarjeta_credito carta_credito numero_carta_credito carte_bancaire no_carte_bancaire numero_cb kreditkarte kreditkartennummer creditcard credit_card credit_card_no cc_number pan kartao_credito cartao_credito num_cartao_credito creditcardnummer kreditkort luottokortti karta_kredytowa nr_karty_platniczej platebni_karta bankkartya card_credit debit_card payment_card bank_card
    """,
    "device": """
    mac mac_address mac_addr device_mac wifi_mac bt_mac mac_dispositivo imei num_imei imei_no imsi iccid msisdn device_id device_uuid deviceid id_dispositivo dispositivo_id identifiant_terminal id_terminal gerate_id geraete_id apparaat_id advertising_id idfa gaid aaid android_id ssid_client hash_dispositivo serial_device beacon_id id_aparelho
    """,
    "username": """
    handle usuario_web usuario_red user_login login_name nom_utilisateur nome_utente nutzername gebruikersnaam anvandarnamn brukernavn brugernavn kayttajatunnus nazwa_uzytkownika uzivatelske_jmeno felhasznalonev nume_utilizator korisnicko_ime screenname nickname_user account_name facebook tiktok telegram profile_url twitter_handle
    """,
    "nationality": """
    immigration_status residence_status statut_sejour aufenthaltsstatus aufenthaltstitel luogo_nasc lloc_naix
    nacion nac_alumno pais_origen pais_origem pays_origine paese_origine pais_nac pais_nacim pais_nacimiento lugar_nacimiento luogo_nascita luogo_di_nascita comune_nascita lieu_naissance lieu_naiss naturalidade local_nascimento lloc_naixement geburtsort geburtsland geb_ort geboorteplaats geb_plaats geboorteland fodelseland fodeland fodested fodeort syntymapaikka syntymamaa kansalaisuus medborgarskap statsborgerskap miejsce_urodzenia
    misto_narozeni statni_obcanstvi obcanstvi st_obcanstvi szul_hely szuletesi_hely allampolgarsag cetatenie loc_nasterii locul_nasterii drzavljanstvo mjesto_rodenja τοπος_γεννησης υπηκοοτητα ιθαγενεια place_of_birth birthplace cittad nat nationalite_eleve staatsang nazionalita_alunno obywat
    """,
    "ethnicity": """
    cor_raca raca_cor lengua_indigena pueblo_originario pueblos_originarios pertenencia_etnica grupo_etnico etnia_indigena autoidentificacion_etnica hablante_indigena ethnicity_code ethnic_code ethnic_origin etnia_rom etnie origen_etnico origine_ethnique origine_etnica muttersprache modersmal morsmal moedertaal aidinkieli langue_maternelle
    lengua_materna lingua_materna lingua_madre llengua_materna jezyk_ojczysty matersky_jazyk anyanyelv limba_materna materinski_jezik μητρικη_γλωσσα mother_tongue home_language first_language_spoken migrationshintergrund migration_background herkunft herkunftsland pochodzenie narodnost etniceskaya minoria
    """,
    "religion": """
    konf relig kirchenzugehorigkeit uskonto uskontokunta trossamfund trossamfunn vyznani nabozenstvi vallas felekezet religie_copil confesiune vjeroispovijest veroispovest θρησκευμα confessione credo culto dieta_religiosa menu_religioso religious_belief faith kirchensteuer
    """,
    "politics": """
    sindacato sindicato syndicat sindicat gewerkschaft vakbond fackforbund fagforening ammattiliitto zwiazek_zawodowy odbory_clen szakszervezet sindikat trade_union union_member union_membership filiacion_politica partido_afiliado afiliacion_sindical tessera_sindacale partito_iscrizione parteimitglied partilidmaatschap partito_di_appartenenza appartenance_syndicale
    """,
    "health": """
    grado_dep grado_dependencia dependencia dipendenza_grado gir_grado niveau_gir invalidnost brukare_insats prevision prestacion_dependencia nevelesi
    allergie allergies alergia alergias al_lergies allergia allergier allergien alergie allergiat allerg intolleranze intolerancias intolerances dieta dieta_speciale dieta_especial regime_alimentaire regime_alim dieet ernahrung dietary dietary_requirements pai nee necesidades_educativas sen send sen_status special_needs disab diversamente_abile legge_104 l_104 l104 inv_civile invalidita invalidez invalidite pct_invalidita pct_discapacidad
    pct_invalidez gdb grad_der_behinderung schwerbehindert schwerbehinderung pflegegrad pflegestufe merkzeichen ztp ztp_p tp_ztp orzeczenie orzeczenie_o_niepelnosprawnosci stopien_niepelnosprawnosci wozek rolstoel rullstol pyoratuoli silla_ruedas sedia_a_rotelle fauteuil_roulant wheelchair qualifying_condition condition_medical medical_notes medical_info med_cond medicacion medicacao medication medicamenti farmaci trattamento traitement behandlung
    cid cid10 cid_10 cie10 cie_10 icd icd10 icd_10 icd9 cim10 cim_10 icpc diag cod_diag diagnostico_principal diagnosekode diagnoosi diagnoza diagnozis betegseg choroba nemoc zdravotni_stav zdravotni_postizeni egeszsegi_allapot handicap_grad dizabilitate grad_handicap invaliditet invalidnost αναπηρια ποσοστο_αναπηριας παθηση obra_social prevision_salud eps regimen_salud mutuelle krankenkasse ziekenfonds zorgverzekeraar pojistovna
    blood_group grupo_sanguineo gruppo_sanguigno groupe_sanguin tipo_sangre blutgruppe vacuna vacunado vaccino vaccinazioni vaccine vaccination impfstatus impfung vaccinatie embarazo gravidanza grossesse schwangerschaft embarazada gestante disability_type tipo_discapacidad tipo_disabilita type_handicap necessita_sanitarie voorziening_wmo zorgindicatie causa_muerte causa_morte cause_deces todesursache cause_of_death dx
    """,
    "income": """
    ingreso ingreso_fam ingreso_fam_mensual revenu_fiscal revenu_fiscal_ref rfr revenus remuneracao_bruta remuneracion_bruta remun jahreseinkommen ετησιο_εισοδημα
    isee isee_nucleo ise fascia_isee qf qf_caf quotient_familial quotient_fam quotient qfcaf renta renta_pc renta_anual renta_familiar renda_familiar renda_per_capita rendimento rendimento_mensal ingresos_hogar ingreso_familiar ingreso_mens ingresos_mensuales sueldo_bruto salario_base salario_bruto haberes retrib retribuzione retribuzione_lorda stipendio_lordo retribucio sou salari brutto bruttogehalt bruttolohn brutto_monat netto_gehalt nettoeinkommen jahresgehalt entgelt besoldung besoldungsgruppe entgeltgruppe
    einkommensstufe eink haushaltseinkommen gezinsinkomen verzamelinkomen loon brutoloon maandloon ingkomst inkomst arsinkomst manadslon bruttoinntekt inntekt indkomst tulot palkka bruttopalkka vuositulot dochod dochod_na_osobe dochody wynagr placa_zasadnicza prijem prijmy_rodiny plat hruby_plat mzda prijem_domacnosti jovedelem egy_fore_juto_jovedelem netto_jovedelem fizetes venit venit_membru venit_net venituri salariu salariu_brut dohodak primanja
    placa_bruto prihodi εισοδημα οικογενειακο_εισοδημα μισθος αποδοχες puntaje_sisben puntaje tramo_rsh tramo quintil_ingreso ingreso_autonomo fsm free_school_meals pupil_premium household_income net_pay take_home arrears arrears_gbp debt deuda debito debiti dettes schulden skuld velka dluh tartozas datorie dug οφειλη bolsa_familia beneficio_social escalao escalao_ase escalao_rendimento indemnizacion rsa minima_sociaux subsidio_mensual patrimonio_declarado
    rendimiento_neto irpf base_imponible_persona reddito reddito_annuo reddito_lordo reddito_familiare
    """,
    "marital": """
    composition_foyer comp_foyer foyer composition_familiale haushalt_personen vive_solo vive_sola vive_solo_a
    est_civil estado_civ stato_civ sit_familiale situation_familiale situation_fam sitfam situacion_familiar situazione_familiare fam_stand famstand familienst burg_staat burgerlijke_st civilstand civilstatus sivilstatus siviilisaaty stan_cyw rodinny_stav csaladi_allapot csal_all stare_civila bracno_stanje bracni_status zakonski_stan οικογ_κατασταση οικογενειακη_κατασταση marital nb_enfants nbre_enfants num_hijos n_hijos nro_hijos numero_hijos n_figli num_figli figli_a_carico enfants_a_charge
    hijos_a_cargo miembros_uc miembros_familia miembros_hogar num_miembros nucleo_familiare componenti_nucleo comp_nucleo n_componenti tam_familia agregado agregado_familiar dim_agregado n_elementos_agregado composicion_familiar familia_numerosa famiglia_numerosa famille_nombreuse anz_kinder kinderzahl haushaltsgrosse aantal_kinderen gezinsgrootte antal_barn hushallsstorlek lasten_lkm liczba_dzieci wielodzietnosc samotny_rodzic monoparental pocet_deti gyermekek_szama nr_copii numar_copii broj_djece αριθμος_τεκνων τεκνα household_size no_of_children dependants single_parent parente parentesco parentela lien_parente relationship verwandtschaft
    """,
    "occupation": """
    prof prof_pere prof_mere prof_padre prof_madre zawod_ojca zawod_matki
    csp categorie_socio_prof profession_parent profissao_pai situacion_laboral situacion_profesional sit_laboral ocupacion_actual stato_occupazionale condizione_professionale situation_pro situation_professionnelle categoria_profesional categoria_profissional cat_profesional beruf_vater tatigkeit taetigkeit stellung_beruf yrke ammatti povolani foglalkozas munkahely profesie loc_de_munca zanimanje επαγγελμα employer arbeitgeber employeur datore_di_lavoro empleador empregador pracodawca zamestnavatel werkgever arbetsgivare tyonantaja employment_status job_role occup
    """,
    "education": """
    nivel_estudios estudios nivel_educativo niv_estudios nivel_instruccion escolaridad grado_escolaridad escolaridade nivel_ensino grau_instrucao titolo_studio titolo_di_studio livello_istruzione istruzione niveau_etudes niveau_d_etude niveau_diplome diplome nivell_estudis estudis bildungsabschluss schulabschluss hochster_abschluss opleidingsniveau utbildning utbildningsniva utdanning uddannelse koulutus koulutustaso wyksztalcenie vzdelani vzdelanie nejvyssi_vzdelani vegzettseg iskolai_vegzettseg
    nivel_studii studii obrazovanje strucna_sprema izobrazba επιπεδο_εκπαιδευσης μορφωτικο_επιπεδο education education_level qualification_level highest_qualification attainment note_finale voto_finale calificacion_final grade_point nota_media promedio_notas zeugnisnote
    """,
    "offence": """
    antecedentes antecedentes_penales precedenti_penali casier_judiciaire vorstrafen strafregister criminal_record conviction convictions condanna condena condenacion delito_imputado reato_contestato victima_violencia victima_conflicto victima_violencia_genero violencia_genero victim_type straftat verurteilung karalnosc bunteto_eloelet cazier kaznena_evidencija
    """,
    "animal": """
    microchip chip chip_nr chipnr nr_chip num_chip perro perros can canino mascota mascotas animal nombre_animal cane cani chien chiens hund hunde hundens rasse raza_perro razza_cane race_chien dog dogs dog_breed breed pet pets hond hondenras pies psa psow psy plemeno pes psi kutya eb kutyafajta caine caini rasa_caine pas psa_pasmina pasmina koira rotu hundras gos gossos raca_gos cao caes canideo σκυλος especie_animal nome_cane nom_chien hundename tiername tierart katze gato gatto chat
    """,
    "free_text": """
    toelichting opmerking opmerkingen omschrijving huomautus huomautukset lisatiedot uwagi uwaga tresc poznamka poznamky megjegyzes megjegyzesek leiras observatii mentiuni napomena napomene opomba opombe παρατηρησεις σχολια περιγραφη anmarkning anmarkningar
    bemaerkning bemaerkninger merknad anmerkung anmerkungen sachverhalt begrundung mitteilung obs observ note_interne remarque remarques annotazioni annotazione motivazione motivo motivo_queja alegaciones alegacion relato descripcio observacions mensagem reclamacao queixa reclamation plainte reclamo_texto hechos esposto
    """,
    "count": """
    frecuencia frequenza frequence frequencia haufigkeit hyppighed hyppyys csetosc czestotliwosc cetnost gyakorisag frecventa nb nbre num_alumnos n_alunni num_alunni nb_eleves schulerzahl anzahl_schuler alumnado titulares_total n_personas num_personas
    """,
}  # fmt: skip
BEGINNINGS: tuple[tuple[str, str], ...] = (
    ("nacimient", "birth"), ("nascit", "birth"), ("nascim", "birth"), ("naissanc", "birth"), ("naixem", "birth"), ("geburt", "birth"), ("geboort", "birth"), ("urodz", "birth"),
    ("narozen", "birth"), ("naroden", "birth"), ("szulet", "birth"), ("nasteri", "birth"), ("fodels", "birth"), ("fodsel", "birth"), ("foedsel", "birth"), ("syntym", "birth"), ("roden", "birth"),
    ("rojst", "birth"), ("rodjen", "birth"), ("γεννησ", "birth"), ("рожден", "birth"), ("народж", "birth"), ("dzimsan", "birth"), ("gimim", "birth"), ("sunni", "birth"),
    ("apellid", "last_name"), ("cognom", "last_name"), ("nachnam", "last_name"), ("familiennam", "last_name"), ("achternaam", "last_name"), ("surnam", "last_name"), ("sukunim", "last_name"),
    ("efternam", "last_name"), ("efternav", "last_name"), ("etternav", "last_name"), ("nazwisk", "last_name"), ("prijmen", "last_name"), ("priezvisk", "last_name"), ("vezeteknev", "last_name"),
    ("prezim", "last_name"), ("priimk", "last_name"), ("επωνυμ", "last_name"), ("фамили", "last_name"), ("прізвищ", "last_name"),
    ("prenom", "first_name"), ("vornam", "first_name"), ("voornaam", "first_name"), ("forenam", "first_name"), ("firstnam", "first_name"), ("etunim", "first_name"), ("fornav", "first_name"),
    ("fornam", "first_name"), ("keresztnev", "first_name"), ("prenum", "first_name"), ("ονοματεπων", "sure_name"), ("vorname_nachname", "sure_name"),
    ("allergi", "health"), ("allerg", "health"), ("diagnos", "health"), ("disabil", "health"), ("discapac", "health"), ("handicap", "health"), ("behinder", "health"), ("niepelnospraw", "health"),
    ("deficienc", "health"), ("invalid", "health"), ("kennzeichen", "plate"), ("kenteken", "plate"), ("immatricul", "plate"), ("rendszam", "plate"), ("rejestrac", "plate"),
    ("staatsangehor", "nationality"), ("cittadinanz", "nationality"), ("nacionalid", "nationality"), ("obywatelst", "nationality"), ("nazionalit", "nationality"), ("cetaten", "nationality"),
    ("anschrift", "address"), ("wohnadress", "address"), ("domicili", "address"), ("bydlist", "address"), ("lakcim", "address"), ("zamieszk", "address"), ("einkommen", "income"), ("jovedelem", "income"),
    ("gehalt", "income"), ("stipend", "income"), ("retribu", "income"), ("wynagrodz", "income"), ("konfession", "religion"), ("familienstand", "marital"), ("mobiltel", "phone"), ("handynum", "phone"),
    ("ogrenci", "person"),
)  # fmt: skip
"""Beginnings of words that are declined or run together."""
AMBIGUOUS_IDS = frozenset(
    """
    matricola matr matricula matricule carnet tarjeta tessera card_no cardno card_number cardnumber card_id nr_karty num_carte n_carte no_carte num_tarjeta
    kassenzeichen debitor legajo marca α_μ korttinumero korttinro kortnummer kortnr kartennummer karten_nr kartennr kaartnummer kaartnr nr_abonat num_abonat n_abonat nud num_carta n_carta cislo_karty kartyaszam ine n_cartao num_cartao id_hogar tramo persnr
    """.split()
)
"""Headers that number things as often as persons: the rest of the table must speak of persons."""
AMBIGUOUS_PLATES = frozenset({"matricula", "matricola", "placa", "placas", "patente", "dominio", "plaque", "plate", "registration", "reg_no", "reg_nr", "regnr", "chapa", "rz", "tablice", "immat"})  # fmt: skip
"""Words for a number plate that are also words for other plates and numbers: the values must be written like plates."""
