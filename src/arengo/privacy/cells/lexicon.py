# ruff: noqa: E501, RUF001, SIM905, RUF100 - word lists read better as text
"""Words by which tables of counts of people are known, of languages that a city hall writes and the first lists
(:mod:`arengo.privacy.cells.undeclared`) lack: Dutch, Swedish, Czech, Hungarian, Finnish, Turkish, Greek, and some of
French and Catalan. Compared as :func:`arengo.contract.draft.words.words` cuts a name: small letters, no accents.
"""

from __future__ import annotations

from arengo.contract.draft.words import plain


def _set(text: str) -> frozenset[str]:
    return frozenset(map(plain, text.split()))


SEX = _set(
    "man vrouw jongens meisjes male female homme femme hombre mujer uomo donna homem mulher mann frau "
    "kvinnor kvinna män flickor pojkar ženy žen žena muži mužů muž dívky chlapci nők férfiak férfi lányok fiúk "
    "naiset naisia nainen miehet miehiä mies tytöt tyttöjä pojat poikia kadın kadınlar erkek erkekler kız "
    "γυναίκες γυναικών άνδρες ανδρών άρρενες θήλεις αγόρια κορίτσια"
)
"""Of people, and a group of them."""
PEOPLE = SEX | _set(
    "patienten clienten uitkeringsgerechtigden uitkeringen gezinnen geboorten geboortes sterfgevallen overledenen "
    "gevaccineerd gevaccineerden vluchtelingen gebruikers lezers huurders deelnemers aanvragers ouderen statushouders "
    "inscrits adhérents lecteurs locataires vaccinés malades décédés infants lectors vacunats llogaters persona corredors "
    "corredores coureurs ciclistes ciclistas cyclistes cyclists runners hardlopers fietsers juoksijat futók koşucular "
    "personer invånare befolkning folkmängd elever barn födda döda arbetslösa hushåll familjer patienter användare "
    "obyvatel obyvatelé obyvatelstvo osoby osob žáci žáků děti dětí pacienti pacientů narození narozených zemřelí "
    "zemřelých nezaměstnaní nezaměstnaných domácnosti domácností rodiny rodin cizinci cizinců uživatelé uživatelů "
    "příjemci příjemců klienti klientů čtenáři čtenářů senioři seniorů očkovaní očkovaných "
    "lakosok lakosság lakosságszám lakos népesség népességszám létszám személyek gyermekek gyerekek tanulók diákok "
    "betegek születések halálozások elhunytak munkanélküliek háztartások családok dolgozók ellátottak felhasználók "
    "olvasók bérlők segélyezettek külföldiek oltottak "
    "asukkaita asukkaat asukasta asukasluku väestö väkiluku henkilöt henkilöitä henkilöä oppilaat oppilaita potilaat "
    "potilaita lapset lapsia syntyneet syntyneitä kuolleet kuolleita työttömät työttömiä kotitaloudet kotitalouksia "
    "perheet perheitä ulkomaalaiset käyttäjät käyttäjiä saajat saajia työntekijät rokotetut rokotettuja lainaajia "
    "kişi kişiler nüfus nüfusu sakinler öğrenci öğrenciler hasta hastalar çocuk çocuklar doğum doğumlar ölüm ölümler "
    "vefat işsiz işsizler hane haneler aileler yabancı yabancılar göçmenler çalışanlar kullanıcı kullanıcılar üyeler "
    "yararlanıcı yararlanıcılar aşılı aşılanan "
    "κάτοικοι κατοίκων πληθυσμός άτομα ατόμων μαθητές μαθητών ασθενείς ασθενών παιδιά παιδιών γεννήσεις γεννήσεων "
    "θάνατοι θανάτων άνεργοι ανέργων δικαιούχοι δικαιούχων νοικοκυριά νοικοκυριών οικογένειες αλλοδαποί αλλοδαπών "
    "χρήστες χρηστών ωφελούμενοι ωφελουμένων εργαζόμενοι εργαζομένων εμβολιασμένοι εμβολιασμένων αναγνώστες"
)
"""Columns whose numbers are people."""
ATTRIBUTES = _set(
    "uitkering regeling ziekte aandoening opleiding herkomst migratieachtergrond nationaliteit "
    "utbildning födelseland medborgarskap diagnos "
    "vzdělání občanství diagnóza nemoc dávka dávky postižení původ "
    "végzettség állampolgárság diagnózis betegség segély ellátás fogyatékosság származás "
    "koulutus kansalaisuus äidinkieli diagnoosi sairaus etuus tukimuoto vammaisuus "
    "eğitim uyruk uyruğu tanı teşhis hastalık yardım engellilik "
    "εκπαίδευση υπηκοότητα ιθαγένεια διάγνωση νόσος ασθένεια επίδομα αναπηρία"
)
"""Attributes of persons."""
PLACES = _set(
    "cella celda cellule cel buňka cella ruutu hücre κελί gebied stadsdeel straat districte secció commune arrondissement canton secteur stadsdel kvarter "
    "čtvrť městská část obvod okres oblast ulice psč kerület városrész irányítószám utca körzet településrész "
    "kaupunginosa osa alue postinumero katu kortteli mahalle mahallesi ilçe semt sokak cadde bölge "
    "συνοικία κοινότητα δημοτική τκ γειτονιά περιοχή οδός δήμος τομέας διαμέρισμα"
)
THINGS = _set(
    "bomen boom voertuigen fietsen woningen honden stemmen prijs bedrag kosten uren boeken uitleningen bezoeken "
    "maaltijden parkeerplaatsen repas prix montant menús àpats träd fordon bilar cyklar hundar röster pris böcker lån "
    "strom stromy stromů vozidlo vozidla vozidel auta kola psi psů hlasy hlasů cena částka knihy knih výpůjčky výpůjček "
    "návštěvy návštěv fák jármű járművek autók kerékpár kutyák szavazatok összeg könyvek kölcsönzések látogatások "
    "puu puut puita ajoneuvot autot pyörät koirat koiria äänet ääniä hinta kirjat kirjoja lainat lainoja käynnit "
    "käyntejä ağaç ağaçlar araç araçlar bisiklet köpek köpekler oy oylar fiyat tutar kitap kitaplar ziyaret ziyaretler "
    "δέντρα οχήματα αυτοκίνητα ποδήλατα σκύλοι ψήφοι ποσό βιβλία δανεισμοί επισκέψεις γεύματα"
)
NUMBERS = _set(
    "antal aantallen počet počty celkem hodnota száma darab összesen érték lukumäärä määrä lkm yhteensä arvo "
    "sayı sayısı adet toplam değer αριθμός πλήθος σύνολο nb nombre effectif"
)
"""Columns that count whatever stands beside them."""
DWELLINGS = _set("byty bytů lakások lakás asunnot asuntoja konut konutlar κατοικίες κατοικιών hushåll bostäder")
