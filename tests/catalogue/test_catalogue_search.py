"""What people type, in seven languages, and what they must find."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from catalogue_shelf import Shelf, harvested, made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arengo.catalogue import Wanted
from arengo.catalogue.search import own_ids
from arengo.catalogue.snippet import excerpt, marked
from arengo.catalogue.suggestion import suggest
from arengo.catalogue.wanted import FACETS
from arengo.errors import BadQuery


@pytest.mark.parametrize(
    ("words", "found"),
    [
        # Italian: number, article, elision with either apostrophe, accents
        ("albero", "alberi"),
        ("alberi", "alberi"),
        ("ALBERATURA", "alberi"),
        ("gli alberi della città", "alberi"),
        ("qualita dell'aria", "aria"),
        ("qualità dell’aria", "aria"),
        ("aria", "aria"),
        ("inquinante", "aria"),
        ("dell'illuminazione", "illuminazione"),
        ("abbattimenti", "alberi"),
        # French
        ("arbre", "arbres"),
        ("l'arbre", "arbres"),
        ("école", "ecoles"),
        ("ecole maternelle", "ecoles"),
        ("marché public", "marches"),
        # Spanish
        ("árbol", "arboles"),
        ("arbol", "arboles"),
        ("biblioteca", "bibliotecas"),
        ("prestamo", "bibliotecas"),
        # Catalan
        ("l'arbre del carrer", "arbres-barcelona"),
        ("aparcament", "aparcaments"),
        ("nom cientific", "arbres-barcelona"),
        # Portuguese
        ("árvore", "arvores"),
        ("arvore", "arvores"),
        ("estação", "estacoes"),
        ("metro", "estacoes"),
        # German: plural with umlaut, compounds from either side
        ("Baum", "baeume"),
        ("Bäume", "baeume"),
        ("Spielplatz", "spielplaetze"),
        ("Fahrrad", "radwege"),
        ("Radwege", "radwege"),
        ("spielplatzgeräte", "spielplaetze"),
        # English, and a title in two languages
        ("tree", "trees"),
        ("alberi strade", "trees"),
        ("library", "libraries"),
        ("loaned books", "libraries"),
        # values, columns, places, beginnings
        ("quercus", "alberi"),
        ("bolognina", "alberi"),
        ("biossido", "aria"),
        ("santarcangelo trees", "trees"),
        ("pedestr", "crossings"),
        # slips: left out, doubled, wrong, changed places
        ("pedestian", "crossings"),
        ("illuminazzione", "illuminazione"),
        ("bibliotcea", "bibliotecas"),
        ("spielplätez", "spielplaetze"),
    ],
)
def test_people_find(town: Shelf, words: str, found: str) -> None:
    assert found in town.names(words), words


def test_all_words_come_first(town: Shelf) -> None:
    assert town.names("street trees")[0] == "trees"
    found = town.find("street trees")
    assert not found.relaxed


def test_most_words_when_no_record_has_all(town: Shelf) -> None:
    found = town.find("library loans zeppelin")
    assert found.relaxed
    assert next(hit.record.id for hit in found.hits) == "libraries"


def test_a_word_meant_otherwise_is_said_with_its_accents(town: Shelf) -> None:
    assert town.find("qualitta").corrected == "qualità"
    assert town.find("pedestian").corrected == "pedestrian"
    assert town.find("pedestrian").corrected == ""
    assert not town.find("pedestian").relaxed


def test_nothing_is_found_for_what_nobody_has(town: Shelf) -> None:
    assert town.find("xyzzyplugh").total == 0
    assert town.find("🌳🌳").total == 0
    assert town.find("   ").total == len(town.records)


def test_facets_count_and_their_own_filter_does_not_narrow_them(town: Shelf) -> None:
    found = town.find(facets=("theme", "language", "format"), only={"theme": ("TRAN",)})
    assert found.total == 1
    assert {item.value: item.count for item in found.facets["theme"]} == {"ENVI": 17, "TRAN": 1}
    assert {item.value: item.count for item in found.facets["language"]} == {"en": 1}
    assert found.facets["theme"][0].label["it"] == "Ambiente"
    assert town.find(facets=("language",), facet_limit=2).facets["language"][0].count == 3
    assert len(town.find(facets=("language",), facet_limit=2).facets["language"]) == 2
    assert town.find("arbres", facets=("language",)).facets["language"][0].count >= 1


def test_filters_of_one_facet_are_alternatives_and_of_two_conditions(town: Shelf) -> None:
    assert town.find(only={"language": ("de", "pt")}).total == 5
    assert town.find(only={"language": ("de", "pt"), "theme": ("TRAN",)}).total == 0
    assert town.find(only={"nonsense": ("x",)}).total == 0


def test_orders_and_pages(tmp_path: Path) -> None:
    shelf = Shelf(
        tmp_path,
        [
            made(f"d{number}", "en", f"Title {chr(122 - number)}", modified=datetime(2020 + number, 1, 1, tzinfo=UTC))
            for number in range(5)
        ],
    )
    assert shelf.names(order="title") == ["d4", "d3", "d2", "d1", "d0"]
    assert shelf.names(order="updated") == ["d4", "d3", "d2", "d1", "d0"]
    assert shelf.names(order="oldest") == ["d0", "d1", "d2", "d3", "d4"]
    assert shelf.names(order="id", start=3, limit=5) == ["d3", "d4"]
    assert shelf.names(since="2023-01-01", order="id") == ["d3", "d4"]
    assert shelf.names("title", start=2, limit=2, order="title") == ["d2", "d1"]
    with pytest.raises(BadQuery):
        shelf.find(order="nonsense")
    with pytest.raises(BadQuery):
        shelf.find(since="yesterday")


def test_what_is_new_wins_among_equals_only(tmp_path: Path) -> None:
    old, new = datetime(2001, 1, 1, tzinfo=UTC), datetime.now(UTC)
    shelf = Shelf(tmp_path, [made("a", "en", "Parks", modified=old), made("b", "en", "Parks", modified=new)])
    from arengo.catalogue.popularity import Popularity

    class Nothing:
        def read(self):  # type: ignore[no-untyped-def]
            raise AssertionError

    popularity = Popularity(Nothing())  # type: ignore[arg-type]
    popularity._read = dict  # type: ignore[method-assign]
    assert own_ids(shelf.index, Wanted("parks"), weights=popularity.weights) == ["b", "a"]
    popularity._read = lambda: {"a": 1000}  # type: ignore[method-assign]
    popularity._looked = -1e9
    assert float(popularity.weights(shelf.index.arrays())[0]) == pytest.approx(1.06, abs=0.01)


def test_boxes_meet(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, [made("a", "en", "A", spatial=(9.0, 44.0, 9.5, 44.5)), made("b", "en", "B")])
    assert shelf.names(bbox=(9.4, 44.4, 10, 45)) == ["a"]
    assert shelf.names(bbox=(9.6, 44.4, 10, 45)) == []


def test_conditions_are_trees(town: Shelf) -> None:
    tree = ("and", ("or", ("facet", "language", "de"), ("facet", "theme", "TRAN")), ("not", ("id", "radwege")))
    assert sorted(town.names(where=tree)) == ["baeume", "crossings", "spielplaetze"]
    assert town.names(where=("words", "albero", "title"), order="id") == ["alberi", "trees"]
    assert town.names(where=("id", "arb*"), order="id") == ["arboles", "arbres", "arbres-barcelona"]
    assert town.names(where=("facet", "tag", "alb*")) == ["alberi"]


def test_pages_of_documents_are_found_and_lead_to_the_page(tmp_path: Path) -> None:
    from arengo.catalogue import Snippet
    from arengo.catalogue.search import search

    shelf = Shelf(tmp_path, [made("minutes", "fr", "Procès-verbaux", kind="documents"), made("trees", "fr", "Arbres")])

    def pages(dataset: str, words: str, limit: int) -> tuple[Snippet, ...]:
        assert dataset == "minutes"
        return (Snippet("page", (("tramway", True),), "/datasets/minutes/documents/3?page=7", "2014-05", 7),) * (
            words == "tramway"
        )

    found = search(shelf.index, Wanted("tramway"), shelf.load, pages)
    assert [hit.record.id for hit in found.hits] == ["minutes"]
    assert found.hits[0].snippets[0].page == 7
    assert not search(shelf.index, Wanted("autobus"), shelf.load, pages).hits
    assert not search(shelf.index, Wanted("tramway", only={"kind": ("dataset",)}), shelf.load, pages).hits


def test_snippets_show_description_columns_and_values(town: Shelf) -> None:
    by_field = {item.field: item for item in town.find("specie quercus").hits[0].snippets}
    assert set(by_field) == {"description", "column", "value"}
    assert ("Quercus", True) in by_field["value"].parts or ("Quercus ilex", True) in by_field["value"].parts
    assert ("specie", True) in by_field["description"].parts


def test_marks_stand_on_forms_and_accents() -> None:
    assert marked("Gli alberi, l'albero.", "albero") == (
        ("Gli ", False), ("alberi", True), (", l'", False), ("albero", True), (".", False),
    )  # fmt: skip
    assert ("Qualità", True) in marked("Qualità dell'aria", "qualita")
    cut = excerpt("parola " * 500 + "tigli " + "parola " * 500, "tiglio")
    assert ("tigli", True) in cut
    assert sum(len(piece) for piece, _ in cut) < 220
    assert excerpt("nothing here", "tiglio") == ()


def test_own_ids_read_no_record(town: Shelf, tmp_path: Path) -> None:
    assert own_ids(town.index, Wanted("albero")) == town.names("albero", limit=100)
    shelf = Shelf(tmp_path, [made("mine", "en", "Trees")])
    theirs = harvested(made("theirs", "en", "Trees"))
    from arengo.catalogue.index import Change

    shelf.index.update(
        shelf.generation + 1,
        shelf.changes,
        lambda since: iter([(1, Change("theirs", "1", lambda: theirs))] if since < 1 else []),
        1,
    )
    shelf.index.wait()
    assert shelf.find("trees").total == 2
    assert own_ids(shelf.index, Wanted("trees")) == ["mine"]


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("alb", "dataset", "Alberi di proprietà comunale"),
        ("street tr", "dataset", "Alberi delle strade"),
        ("libr", "dataset", "Library loans"),
        ("ambie", "theme", "Ambiente"),
        ("comu", "owner", "Comune"),
        ("abbatt", "column", "Data di abbattimento"),
        ("pedestrain", "word", "pedestrian"),
        ("qualitta", "word", "qualità"),
    ],
)
def test_suggestions(town: Shelf, text: str, kind: str, shown: str) -> None:
    found = suggest(town.index, text, "it", 8, town.load)
    assert (kind, shown) in [(item.kind, item.text) for item in found]
    assert len(found) <= 8


HOSTILE = (
    "", " ", "\0", "a\0b", '"', '""""', "'", "*", "a*", "NEAR(a b)", "a AND", "OR", "NOT x", "title:x", "{a b}:c",
    "^start", "a+b", "(((", ")))", "-x", "--", "\\", "%", "_", "a" * 10_000, "ab " * 4000, "🌳", "e\u0301cole",
    "شجرة", "עצים", "树木", "\u202eabc", "\ufeff", "ſ", "İ", "ß", "①②", "l'", "d'l'u'", "’’", "0", "alber0", "\ud800",
)  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_no_text_is_an_error(town: Shelf, words: str) -> None:
    found = town.find(words, facets=FACETS)
    assert found.total <= len(town.records)
    suggest(town.index, words, "it", 8, town.load)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.text(st.characters(), max_size=60), st.sampled_from(["", "it", "de", "xx"]))
def test_any_text_is_answered(town: Shelf, words: str, language: str) -> None:
    town.find(words, language=language)
    town.find(where=("words", words, "title"))
    suggest(town.index, words, language, 5, town.load)
    excerpt(words, words)
