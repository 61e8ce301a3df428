"""A change in a contract's text keeps comments, order and every other value."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arengo.contract.document import parse
from arengo.contract.write import remove, set_property, set_value
from arengo.errors import ContractError

TEXT = """\
# The trees of the town
apiVersion: v3.1.0   # the standard
kind: DataContract
id: trees
version: "1.0.0"
schema:
  - name: trees
    properties:
      # the number on the plate
      - {name: id, logicalType: integer, primaryKey: true}
      - name: planted
        logicalType: date
        examples: [2024-01-31, 007, 12E3, no]   # as written
        customProperties:
          - property: arengoParse
            value: {nulls: [-99.90, "0", ~]}
"""


def test_a_value_is_set_and_comments_stay() -> None:
    out = set_value(TEXT, ("version",), "1.1.0")
    assert parse(out).data["version"] == "1.1.0"
    assert set(TEXT.splitlines()) - set(out.splitlines()) == {'version: "1.0.0"'}


def test_a_property_is_added_changed_and_taken_out() -> None:
    added = set_property(TEXT, "arengoTheme", "ENVI")
    assert parse(added).data["customProperties"] == [{"property": "arengoTheme", "value": "ENVI"}]
    assert added.startswith(TEXT)
    more = set_property(added, "arengoSort", ["planted", "-id"])
    changed = set_property(more, "arengoTheme", "TRAN")
    assert [entry["value"] for entry in parse(changed).data["customProperties"]] == ["TRAN", ["planted", "-id"]]
    assert set_property(set_property(changed, "arengoSort", None), "arengoTheme", "ENVI") == added
    assert set_property(TEXT, "arengoTheme", None) == TEXT


def test_a_property_of_a_column() -> None:
    out = set_property(TEXT, "arengoDoubt", "Is it the day of planting?", column="planted")
    entries = parse(out).data["schema"][0]["properties"][1]["customProperties"]
    assert [entry["property"] for entry in entries] == ["arengoParse", "arengoDoubt"]
    assert "# the number on the plate" in out
    assert "[-99.90, " in out
    assert set_property(out, "arengoDoubt", None, column="planted") == TEXT
    flow = set_property(TEXT, "arengoUnit", "m", column="id")
    assert parse(flow).data["schema"][0]["properties"][0]["customProperties"][0]["value"] == "m"
    with pytest.raises(ContractError, match="no column"):
        set_property(TEXT, "arengoUnit", "m", column="height")


def test_paths_that_lead_nowhere() -> None:
    for path in (("schema", 3, "name"), ("version", "x"), ("schema", 0, "properties", 9)):
        with pytest.raises(ContractError):
            set_value(TEXT, path, "x")
    assert remove(TEXT, ("schema", 4, "name")) == TEXT
    assert parse(set_value(TEXT, ("description", "purpose"), "All")).data["description"] == {"purpose": "All"}


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)
VALUES = st.one_of(WORDS, st.integers(-1000, 1000), st.booleans(), st.lists(WORDS, max_size=3))
PLACES = st.sampled_from(
    [("name",), ("tags",), ("description", "purpose"), ("schema", 0, "properties", 1, "description"),
     ("schema", 0, "properties", 0, "examples"), ("schema", 0, "properties", 1, "examples", 2)]
)  # fmt: skip


@given(PLACES, VALUES)
@settings(max_examples=60, deadline=None)
def test_nothing_else_changes(path: tuple[str | int, ...], value: object) -> None:
    out = set_value(TEXT, path, value)
    data = parse(out).data
    for part in path:
        data = data[part]
    assert data == value
    assert parse(remove(out, path) if path[-1] == "name" else out).data["id"] == "trees"
    for comment in ("# The trees of the town", "# the standard", "# the number on the plate"):
        assert comment in out
