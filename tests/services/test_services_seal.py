"""Papers and the city's seal: what is sealed can be checked by others, what is changed is found."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from arengo.errors import BadQuery, OperatorError, SettingsError, SourceForbidden
from arengo.services import seal
from arengo.services.paper import Facts, Heading, Paper, Points, Table, Text, lay
from arengo.services.seal import Sealer
from arengo.settings import CitySettings, SealSettings, Settings, SourceSettings

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TODAY = datetime.now(UTC)


def paper(*parts: Heading | Text | Facts | Points | Table, **more: object) -> Paper:
    return Paper("Title", "Città di Prova", parts or (Text("One."),), AT, **more)  # type: ignore[arg-type]


def settings(root: Path, **more: object) -> Settings:
    return Settings(root, CitySettings(name="Città di Prova", country="IT"), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> Sealer:
    return Sealer(settings(tmp_path_factory.mktemp("seal")))


@pytest.fixture(scope="module")
def sealed(sealer: Sealer) -> bytes:
    return sealer.seal(lay(paper()), reason="Record", at=AT)


def words(pdf: bytes) -> str:
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)
    finally:
        document.close()


def test_a_paper_holds_what_was_said() -> None:
    said = paper(
        Heading("Perché?"), Text("Łódź, București, l·l, œuvre – 5 € <b>not bold</b> & co."),
        Points(("first", "second")),
        Facts((("Label", "one\ntwo"),)), Table(("A", "B"), (("1", "=SUM(A1)"), ("2", "w" * 300))), Heading("Sub", 2),
        subtitle="Under", page="Pagina {page} di {pages}", foot="foot", language="it",
    )  # fmt: skip
    made = lay(said)
    text = words(made)
    for expected in ("Perché?", "Łódź, București, l·l, œuvre – 5 € <b>not bold</b> & co.", "first", "two", "=SUM(A1)",
                     "Under", "Pagina 1 di 1", "foot", "Città di Prova"):  # fmt: skip
        assert expected in text
    assert b"/Lang (it)" in made
    assert lay(said) == made  # nothing of the moment is in it


def test_letters_without_a_typeface_are_left_out_and_said() -> None:
    text = words(lay(paper(Text("Before العربية نص after.\0\x07\u202e"), unset="Left out: […].")))
    assert "Before [...] after." in text
    assert "Left out: [...]." in text
    assert "Left out" not in words(lay(paper(Text("Plain."))))


def test_long_tables_and_rows_longer_than_a_page_are_split() -> None:
    rows = tuple((f"row {number}", "word " * 30) for number in range(60))
    text = words(lay(paper(Table(("Head", "More"), (*rows, ("last", "x " * 6000)), (1, 4)), wide=True)))
    assert text.count("Head") > 3
    assert "row 59" in text
    assert lay(paper(Table(("Head",), ()), Points(())))


def test_a_sealed_paper_is_known_as_the_citys(sealer: Sealer, sealed: bytes) -> None:
    found = sealer.check(sealed)
    assert found.good
    assert (found.by, found.reason, found.at, found.stamped) == ("Città di Prova document seal", "Record", AT, None)
    assert found.fingerprint == sealer.fingerprint() == sealer.known()
    assert b"ETSI.CAdES.detached" in sealed
    key = sealer._folder / "key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes() not in sealed


def test_a_changed_byte_is_found(sealer: Sealer, sealed: bytes) -> None:
    start, length, rest, _ = (int(part) for part in _byte_range(sealed))
    choice = random.Random(7)
    covered = [*range(start, start + length), *range(rest, len(sealed))]
    for place in choice.sample(covered, 60):
        changed = bytearray(sealed)
        changed[place] ^= 1 << choice.randrange(8)
        assert not sealer.check(bytes(changed)).good, place
    changed = bytearray(sealed)
    changed[rest - 2] = ord("1")  # in the empty end of the place of the signature
    assert not sealer.check(bytes(changed)).intact


def test_what_is_no_sealed_paper_of_the_city(sealer: Sealer, sealed: bytes, tmp_path: Path) -> None:
    assert not sealer.check(sealed + b"\n%more").whole
    assert not sealer.check(sealed[:-200]).good
    assert sealer.check(lay(paper())).problem == "The file has no seal."
    for strange in (b"", b"hello", b"%PDF-1.7\n" + b"[" * 5000, b"\0" * 100):
        assert not sealer.check(strange).sealed
    foreign = Sealer(settings(tmp_path)).check(sealed)
    assert (foreign.intact, foreign.ours, foreign.good) == (True, False, False)
    with pytest.raises(BadQuery, match="larger"):
        sealer.check(b"0" * (seal.MOST + 1))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_agrees(sealer: Sealer, sealed: bytes, tmp_path: Path) -> None:
    """The bytes the seal covers and the signature in it, judged by another program."""
    assert _openssl(sealer, sealed, tmp_path) == 0
    changed = bytearray(sealed)
    changed[500] ^= 1
    assert _openssl(sealer, bytes(changed), tmp_path) != 0


def _byte_range(pdf: bytes) -> list[bytes]:
    found = re.search(rb"/ByteRange\s*\[([\d ]+)\]", pdf)
    assert found is not None
    return found[1].split()


def _openssl(sealer: Sealer, pdf: bytes, folder: Path) -> int:
    start, length, rest, more = (int(part) for part in _byte_range(pdf))
    (folder / "data").write_bytes(pdf[start : start + length] + pdf[rest : rest + more])
    (folder / "signature").write_bytes(bytes.fromhex(pdf[start + length + 1 : rest - 1].decode()))
    (folder / "certificate").write_bytes(sealer.certificate())
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "data",
               "-CAfile", "certificate", "-purpose", "any", "-out", "/dev/null"]  # fmt: skip
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def test_two_processes_make_one_certificate(tmp_path: Path) -> None:
    several = [Sealer(settings(tmp_path)) for _ in range(4)]
    found: list[str] = []
    threads = [threading.Thread(target=lambda one=one: found.append(one.fingerprint())) for one in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_certificate_that_ends_is_renewed_and_stays_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "LASTS", timedelta(days=10))
    first = Sealer(settings(tmp_path))
    old = first.seal(lay(paper()), reason="Old", at=TODAY)
    monkeypatch.undo()
    second = Sealer(settings(tmp_path))
    new = second.seal(lay(paper()), reason="New", at=TODAY)
    assert second.check(new).good
    assert second.check(old).good
    assert second.check(old).fingerprint != second.check(new).fingerprint


def _pkcs12(path: Path, name: str, password: bytes, ends: timedelta, purpose: str = "1.3.6.1.5.5.7.3.36") -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(65537, 2048)
    names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder().subject_name(names).issuer_name(names).public_key(key.public_key())
        .serial_number(7).not_valid_before(TODAY - timedelta(days=400)).not_valid_after(TODAY + ends)
        .add_extension(x509.KeyUsage(True, True, *[False] * 7), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)]), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    secret = serialization.BestAvailableEncryption(password)
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, made, None, secret))


def test_a_bought_certificate_seals(tmp_path: Path) -> None:
    _pkcs12(tmp_path / "seal.p12", "Bought seal", b"secret", timedelta(days=100))
    (tmp_path / "word").write_text("secret\n")
    bought = Sealer(settings(tmp_path, seal=SealSettings(file="seal.p12", password_file="word")))
    made = bought.seal(lay(paper()), reason="Record", at=AT)
    assert bought.check(made).good
    assert bought.check(made).by == "Bought seal"
    assert not (tmp_path / ".arengo" / "seal" / "key.pem").exists()
    own = Sealer(settings(tmp_path))  # when it is taken out of city.toml, its seals stay the city's
    assert own.check(made).good
    for wrong in (SealSettings(file="seal.p12", password="other"), SealSettings(file="none.p12"),
                  SealSettings(file="word")):  # fmt: skip
        with pytest.raises(SettingsError, match=r"seal\.file"):
            Sealer(settings(tmp_path, seal=wrong)).seal(b"", reason="", at=AT)
    _pkcs12(tmp_path / "old.p12", "Old seal", b"secret", timedelta(days=-1))
    with pytest.raises(OperatorError, match="ended"):
        Sealer(settings(tmp_path, seal=SealSettings(file="old.p12", password="secret"))).fingerprint()


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[str]:
    """A time-stamping authority on this machine: its answers are made by pyHanko, its transport is real."""
    from asn1crypto import tsp
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko.sign.timestamps import DummyTimeStamper

    _pkcs12(tmp_path / "authority.p12", "Authority", b"secret", timedelta(days=100), purpose="1.3.6.1.5.5.7.3.8")
    own = SimpleSigner.load_pkcs12(str(tmp_path / "authority.p12"), passphrase=b"secret")
    stamper = DummyTimeStamper(
        own.signing_cert, own.signing_key, certs_to_embed=own.cert_registry, fixed_dt=datetime(2026, 5, 6, tzinfo=UTC)
    )

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/broken":
                self.send_error(500)
                return
            answer = asyncio.run(stamper.async_request_tsa_response(tsp.TimeStampReq.load(body)))
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer.dump())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_trusted_time_comes_through_the_guard(authority: str, tmp_path: Path) -> None:
    inside = SourceSettings(allow_hosts=("127.0.0.1",))
    stamped = Sealer(settings(tmp_path, seal=SealSettings(tsa=authority), sources=inside))
    made = stamped.seal(lay(paper()), reason="Record", at=AT)
    found = stamped.check(made)
    assert found.good
    assert found.stamped == datetime(2026, 5, 6, tzinfo=UTC)
    with pytest.raises(SourceForbidden):
        Sealer(settings(tmp_path, seal=SealSettings(tsa=authority))).seal(lay(paper()), reason="", at=AT)
    broken = settings(tmp_path, seal=SealSettings(tsa=f"{authority}/broken"), sources=inside)
    with pytest.raises(OperatorError, match="500"):
        Sealer(broken).seal(lay(paper()), reason="", at=AT)


def test_a_seal_is_read_by_pdfium(sealed: bytes) -> None:
    assert "One." in words(BytesIO(sealed).getvalue())


def test_the_edges_of_a_page_have_every_letter_of_a_city() -> None:
    pdfium = pytest.importorskip("pypdfium2")
    made = lay(Paper("Check", "Łódź", (), datetime(2026, 3, 2, tzinfo=UTC), foot="Żródło: Łódź"))
    text = pdfium.PdfDocument(made)[0].get_textpage().get_text_range()
    assert "Łódź" in text
    assert "Żródło: Łódź" in text
    assert "?" not in text
