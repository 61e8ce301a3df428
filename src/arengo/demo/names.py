"""Invented names: places, streets, persons, firms. Nobody and nowhere real; saints and trades are generic words."""

from __future__ import annotations

CITY = "Arvenza"

# One entry a neighbourhood: ring, from degree, to degree, name, district number. Degrees run from the eastern shore (0)
# over the hills to the western shore (210).
CELLS: tuple[tuple[int, int, int, str, int], ...] = (
    (0, 0, 70, "Darsena", 1),
    (0, 70, 140, "Piazza Grande", 1),
    (0, 140, 210, "Torre Saracena", 1),
    (1, 0, 40, "Cordai", 2),
    (1, 40, 85, "San Savaro", 2),
    (1, 85, 130, "Colle Alto", 3),
    (1, 130, 170, "Conceria", 4),
    (1, 170, 210, "Molo Ponente", 4),
    (2, 0, 30, "Saline Basse", 5),
    (2, 30, 60, "Saline Alte", 5),
    (2, 60, 90, "Belvedere", 3),
    (2, 90, 125, "Osservatorio", 3),
    (2, 125, 155, "Orti del Vescovo", 6),
    (2, 155, 185, "Orti Nuovi", 6),
    (2, 185, 210, "Tonnara", 6),
    (3, 0, 25, "Punta Levante", 7),
    (3, 25, 55, "Fornaci", 7),
    (3, 55, 85, "Gasometro", 7),
    (3, 85, 110, "Pian del Vento", 8),
    (3, 110, 135, "Mulini", 8),
    (3, 135, 160, "Ghiaia Alta", 9),
    (3, 160, 185, "Ghiaia Bassa", 9),
    (3, 185, 210, "Cala Rossa", 9),
    (4, 0, 30, "Capo Falco", 10),
    (4, 30, 60, "Le Querce", 10),
    (4, 60, 90, "Monte Civetta", 10),
    (4, 90, 120, "Valle Serena", 10),
    (4, 120, 150, "Acquafredda", 10),
    (4, 150, 180, "Bosco Comune", 10),
    (4, 180, 210, "Le Dune", 10),
)

DISTRICTS: tuple[str, ...] = (
    "Porto Vecchio",
    "Levante",
    "Colle Alto",
    "Ponente",
    "Saline",
    "Orti",
    "Fornaci",
    "Mulini",
    "Ghiaia",
    "Monti",
)

STREET_KINDS = ("Via", "Via", "Via", "Viale", "Vicolo", "Strada", "Salita", "Corso")
STREET_WORDS = """\
dei Cordai|dei Tigli|del Mulino|delle Saline|dell'Àncora|del Forno|delle Vigne|dei Platani|del Faro|dei Bottai|
della Fonte|del Ponte Rotto|delle Reti|dei Maniscalchi|del Gelso|della Lanterna|dei Calafati|del Vento|
delle Ginestre|del Pozzo|dei Cedri|dell'Ulivo|delle Lavandaie|del Cantiere|dei Falegnami|della Neve|
del Maestrale|delle Vele|dei Gabbiani|della Ghiaia|del Grano|delle Api|dei Pescatori|dell'Orologio|del Ginepro|
delle Rondini|del Lavatoio|dei Setaioli|della Quercia|del Corallo|dei Melograni|delle Fornaci|del Fico|
della Civetta|dei Carrettieri|del Timo|dell'Alloro|delle Corde|del Fieno|dei Lecci|della Tramontana|del Salice|
delle Barche|dei Vetrai|del Miele|della Cava|dei Cipressi|dell'Argine|del Rosmarino|delle Conchiglie|
dei Mandorli|della Rena|del Pettirosso|delle Fate|dei Tintori|del Bastione|dell'Erba|delle Stelle|del Nespolo|
dei Tornitori|della Vedetta|del Castagno|delle Quaglie|dei Ramai|dell'Olmo|del Cisto|delle Botteghe|dei Marinai|
della Resina|del Carrubo|delle Lumache|dei Pastori|dell'Aria|del Noce|della Sirena|dei Pini|delle Maree|
del Sughero|dei Merli|della Sorgente|del Libeccio|delle Pietre|dei Funai|dell'Istrice|del Lino|della Calce|
dei Ciliegi|delle Tegole|del Ghiro|dei Battellieri|della Bussola|del Larice|delle Anfore|dei Sellai|dell'Edera|
del Tasso|della Zagara|dei Gelsomini|delle Cicale|del Torchio|dei Remi|della Spiga|del Sambuco|delle Ortensie|
dei Frantoi|dell'Isolotto|del Cormorano|della Terrazza|dei Narcisi|delle Tartarughe""".replace("\n", "").split("|")

GIVEN_F = """\
Alda|Brunella|Celeste|Delfina|Elvira|Fiammetta|Ginevra|Iolanda|Lavinia|Marisa|Nives|Ombretta|Petra|Rosalba|
Serena|Tosca|Ursula|Viola|Zita|Amalia|Bice|Clelia|Dina|Flora|Greta|Livia|Mirta|Norma|Olga|Rita""".replace(
    "\n", ""
).split("|")
GIVEN_M = """\
Aldo|Bruno|Corrado|Dario|Elio|Furio|Gino|Ivo|Lauro|Mirco|Nereo|Orio|Pietro|Rino|Sandro|Tullio|Ugo|Vasco|Zeno|
Amos|Biagio|Cesare|Dino|Ezio|Fausto|Guido|Lino|Marzio|Oreste|Remo""".replace("\n", "").split("|")
SURNAME_START = [
    "Bra",
    "Cor",
    "Del",
    "Fal",
    "Gri",
    "Lam",
    "Mor",
    "Nar",
    "Pel",
    "Rov",
    "Sal",
    "Tra",
    "Ven",
    "Zam",
    "Bel",
    "Cav",
    "Dor",
    "Fer",
    "Gal",
    "Lun",
]
SURNAME_MIDDLE = ["ve", "da", "lo", "ti", "ma", "ne", "ga", "ri", "so", "va", "tu", "li"]
SURNAME_END = ["sco", "rini", "letti", "mondo", "gnoli", "tazzi", "vero", "schini", "dana", "rotto", "lucci", "bresi"]

FIRM_START = [
    "Edil",
    "Termo",
    "Idro",
    "Eco",
    "Nova",
    "Info",
    "Agri",
    "Medi",
    "Lumi",
    "Trans",
    "Bio",
    "Tecno",
    "Mare",
    "Sale",
    "Orto",
]
FIRM_END = [
    "vento",
    "arv",
    "costa",
    "sal",
    "fonte",
    "molo",
    "pietra",
    "linea",
    "verde",
    "isola",
    "campo",
    "lux",
    "porto",
    "serv",
    "rena",
]
FIRM_FORM = ("S.r.l.", "S.p.A.", "Soc. Coop.", "S.n.c.", "& Figli")

SPECIES: tuple[tuple[str, str, float], ...] = (
    ("Platanus × hispanica", "London plane", 16),
    ("Tilia cordata", "Small-leaved lime", 13),
    ("Quercus ilex", "Holm oak", 12),
    ("Pinus pinea", "Stone pine", 10),
    ("Celtis australis", "European nettle tree", 9),
    ("Acer campestre", "Field maple", 7),
    ("Olea europaea", "Olive", 6),
    ("Cupressus sempervirens", "Italian cypress", 5),
    ("Cercis siliquastrum", "Judas tree", 5),
    ("Ginkgo biloba", "Maidenhair tree", 4),
    ("Ulmus minor", "Field elm", 4),
    ("Lagerstroemia indica", "Crape myrtle", 3),
    ("Jacaranda mimosifolia", "Jacaranda", 3),
    ("Aesculus hippocastanum", "Horse chestnut", 3),
)

SAINTS = [
    "San Savaro",
    "Santa Ilva",
    "San Torpè Marino",
    "Sant'Emero",
    "Santa Briga",
    "San Livone",
    "Sant'Aldina",
    "San Corvaro",
]
