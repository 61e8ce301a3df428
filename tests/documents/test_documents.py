"""The documentation says what the code says."""

from __future__ import annotations

import inspect
import re
import runpy
from pathlib import Path

import pytest

from arengo import errors
from arengo.cli import commands
from arengo.settings import describe

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EVERYTHING = {path: path.read_text(encoding="utf-8") for path in [*DOCS.rglob("*.md"), ROOT / "README.md"]}


def test_generated_pages_are_current() -> None:
    for path, text in runpy.run_path(str(ROOT / "scripts" / "reference.py"))["pages"]():
        assert path.is_file(), f"{path.name} is missing: python scripts/reference.py"
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: python scripts/reference.py"


def test_every_setting_command_and_error_is_documented() -> None:
    reference = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in reference for _, name, *_ in describe())
    reference = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    assert all(f"## {name}\n" in reference for name in commands())
    reference = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.ArengoError):
            assert f"`{kind.code}`" in reference


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", EVERYTHING[path]):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), f"{target} in {path.name}"


def test_words_we_do_not_use() -> None:
    for path, text in EVERYTHING.items():
        for word in ("simply", "obviously"):
            assert not re.search(rf"\b{word}\b", text, re.IGNORECASE), f"{word!r} in {path.name}"


def test_no_file_names_a_machine_or_a_registry() -> None:
    import subprocess

    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    marks = ["/wo" + "rk/", "/ro" + "ot/", "pypi." + "org", "registry.npm" + "js"]
    for name in filter(None, listed):
        path = ROOT / name
        if (
            path.suffix in {".py", ".md", ".toml", ".txt", ".json", ".yaml", ".yml", ".sh", ".mjs", ""}
            and path.is_file()
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [mark for mark in marks if mark in text], name
