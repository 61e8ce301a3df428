from __future__ import annotations

from pathlib import Path

import pytest
from catalogue_shelf import Shelf, made

TOWN = (
    made("alberi", "it", "Alberi di proprietà comunale", "Ogni albero su suolo pubblico, con la specie.",
         ["Specie", "Altezza", "Data di abbattimento"], keywords={"it": ("verde", "alberature")}),
    made("aria", "it", "Qualità dell'aria", "Concentrazione oraria degli inquinanti.", ["Stazione", "Biossido"]),
    made("illuminazione", "it", "Punti luce dell’illuminazione pubblica"),
    made("arbres", "fr", "Arbres d'alignement", "Les arbres plantés le long des rues.", ["Essence"]),
    made("ecoles", "fr", "Écoles maternelles et élémentaires", "Liste des écoles publiques de la ville."),
    made("marches", "fr", "Marchés publics", "Les marchés passés par la mairie jusqu'en 2025."),
    made("arboles", "es", "Arbolado viario", "Árboles de las calles y los jardines.", ["Especie"]),
    made("bibliotecas", "es", "Préstamos en bibliotecas municipales", "Número de préstamos cada mes."),
    made("arbres-barcelona", "ca", "Arbrat viari", "Els arbres dels carrers i de les places.", ["Nom científic"]),
    made("aparcaments", "ca", "Aparcaments públics", "Places lliures a l'aparcament."),
    made("arvores", "pt", "Árvores das ruas", "Inventário das árvores em espaço público."),
    made("estacoes", "pt", "Estações de metrô", "Localização das estações."),
    made("baeume", "de", "Baumkataster", "Alle Bäume auf öffentlichen Flächen.", ["Baumart"]),
    made("radwege", "de", "Fahrradwege", "Wege für Räder in der Stadt."),
    made("spielplaetze", "de", "Spielplätze", "Öffentliche Spielplätze mit Geräten."),
    made("trees", "en", "Street trees", "Every tree the city planted, measured yearly.", ["Species"],
         title={"en": "Street trees", "it": "Alberi delle strade"}),
    made("libraries", "en", "Library loans", "Loans of books in public libraries."),
    made("crossings", "en", "Pedestrian crossings", "Where people may cross.", themes=("TRAN",)),
)  # fmt: skip


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Records in seven languages; tests only read them."""
    shelf = Shelf(Path(tmp_path_factory.mktemp("town")), TOWN)
    shelf.put(values={"alberi": ("Tilia cordata", "Quercus ilex", "BOLOGNINA")})
    shelf.stamps["alberi"] = "again"
    shelf.put()
    return shelf
