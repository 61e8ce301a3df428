from pathlib import Path

import pytest

from arengo.errors import SettingsError
from arengo.settings import describe, load


def write(folder: Path, text: str) -> Path:
    (folder / "city.toml").write_text(text, encoding="utf-8")
    return folder


def test_defaults_and_values_come_from_the_file(tmp_path: Path) -> None:
    found = load(write(tmp_path, '[city]\nname = "Borgo"\n[publish]\nshrink = 1\n'), {})
    assert found.city.name == "Borgo"
    assert found.publish.shrink == 1.0
    assert found.serve.port == 8000
    assert found.home == tmp_path.resolve() / ".arengo"


def test_the_environment_wins(tmp_path: Path) -> None:
    env = {
        "ARENGO_SERVE_PORT": "9000",
        "ARENGO_SERVE_SCHEDULE": "no",
        "ARENGO_SOURCES_ALLOW_HOSTS": "10.0.0.0/8, db.local",
    }
    found = load(write(tmp_path, "[serve]\nport = 1\n"), env)
    assert (found.serve.port, found.serve.schedule) == (9000, False)
    assert found.sources.allow_hosts == ("10.0.0.0/8", "db.local")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[city]\nnam = 'x'\n", "There is no setting city.nam"),
        ("[town]\n", "There is no section [town]"),
        ("[serve]\nport = 'eighty'\n", "serve.port is 'eighty'"),
        ("[serve]\nport = true\n", "serve.port is True"),
        ("[city\n", "This is not TOML"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words.replace("[", r"\[")):
        load(write(tmp_path, text), {})


def test_no_city_here(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="arengo init"):
        load(tmp_path, {})


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ARENGO_SERVE_PORT"):
        load(write(tmp_path, ""), {"ARENGO_SERVE_PORT": "many"})


def test_every_setting_has_a_sentence() -> None:
    for section, name, _, _, sentence in describe():
        assert sentence.endswith("."), f"{section}.{name}"
