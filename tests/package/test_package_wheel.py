"""The wheel builds, holds what the pages need, and runs away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = (
    "arengo/portal/static/vendor/maplibre/maplibre-gl.mjs",
    "arengo/portal/static/vendor/maplibre/LICENSE",
    "arengo/portal/static/vendor/public-sans/public-sans-latin-wght-normal.woff2",
    "arengo/portal/templates/base.html",
    "arengo/portal/translations/it.po",
    "arengo/state/migrations/versions/0001_first.py",
)


@pytest.mark.slow
def test_the_wheel_is_whole_and_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not [name for name in NEEDED if name not in names]
    assert any(name.endswith("licenses/LICENSE") for name in names)

    # The dependencies are this environment's; what is new is the installed package itself.
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    site = next((tmp_path / "env").glob("lib/python3*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    here = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    (site / "dependencies.pth").write_text(f"{here}\n", encoding="utf-8")
    python = tmp_path / "env" / "bin" / "python"
    code = "import arengo, sys; print(arengo.__file__); arengo.init(sys.argv[1], name='Borgo')"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-c", code, str(tmp_path / "borgo")],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.stdout.startswith(str(tmp_path))
    doctor = [str(python), "-m", "arengo", "doctor", "--city", str(tmp_path / "borgo")]
    told = subprocess.run(doctor, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "MEND" not in told.stdout
