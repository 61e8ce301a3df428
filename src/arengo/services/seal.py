"""The city's seal on a document: PAdES baseline B-B (ETSI EN 319 142-1), with pyHanko.

A seal shows that the file is unchanged since the city sealed it. The city's certificate and key are made at first use
and lie in ``.arengo/seal`` (the key is readable by its owner only); ``[seal]`` names a bought one instead, and a
time-stamping authority (B-T). **A certificate the city made for itself is no qualified electronic seal** in the sense
of Regulation (EU) 910/2014, Art. 35-40: who gets the file must compare the certificate's fingerprint with the one on
the city's own pages.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arengo.errors import BadQuery, OperatorError, SettingsError
from arengo.settings import Settings

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

FIELD = "Seal"
LASTS = timedelta(days=5 * 365)
EARLY = timedelta(days=30)
"""The city's own certificate is renewed when it ends sooner than this."""
MOST = 60_000_000
"""Bytes of a file that is looked at."""
_TSA_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Seal:
    """What a file says of itself when it is looked at.

    ``sealed``: there is a seal at all. ``intact``: nothing it covers was changed and the signature is right.
    ``whole``: it covers the file to the last byte. ``ours``: made with a certificate of this city. ``at``: the time
    the file claims; ``stamped``: the same from a time-stamping authority. ``fingerprint``: SHA-256 of the
    certificate, in hexadecimal. ``problem``: a sentence when something is wrong, '' when not.
    """

    sealed: bool
    intact: bool = False
    whole: bool = False
    ours: bool = False
    by: str = ""
    reason: str = ""
    at: datetime | None = None
    stamped: datetime | None = None
    fingerprint: str = ""
    problem: str = ""

    @property
    def good(self) -> bool:
        """Sealed by this city and unchanged to the last byte."""
        return self.sealed and self.intact and self.whole and self.ours


class Sealer:
    """Seals documents with the city's certificate. Thread-safe; one per process is enough."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.home / "seal"
        self._lock = threading.Lock()
        self._signer: tuple[Any, datetime] | None = None

    def seal(self, pdf: bytes, *, reason: str, at: datetime) -> bytes:
        """The PDF with a seal appended. Call it in a thread: the library runs an event loop of its own.

        Raises SettingsError (PKCS#12 file or password), OperatorError (the certificate has ended, the time-stamping
        authority does not answer).
        """
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import fields, signers

        signer = self._ready(at)
        meta = signers.PdfSignatureMetadata(
            field_name=FIELD, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES, reason=reason[:400],
            name=self._settings.city.name,
        )  # fmt: skip

        class Timed(signers.PdfSigner):  # the time a document claims is the caller's, not the machine's
            def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
                session = super().init_signing_session(*args, **kwargs)
                session.system_time = at
                return session

        out = BytesIO()
        stamper = _stamper(self._settings) if self._settings.seal.tsa else None
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        Timed(meta, signer=signer, timestamper=stamper).sign_pdf(writer, output=out)
        return out.getvalue()

    def check(self, pdf: bytes) -> Seal:
        """What the seal of a file says. A file that is no PDF, or has none, is not sealed. Raises BadQuery (size)."""
        if len(pdf) > MOST:
            raise BadQuery(f"The file is larger than {MOST:,} bytes.", todo="Give a document of the city.")
        return _check(pdf, self.fingerprints())

    def certificate(self) -> bytes:
        """The certificate in force, as PEM: what others compare a seal with."""
        from asn1crypto import pem

        signer = self._ready(datetime.now(UTC))
        armoured: bytes = pem.armor("CERTIFICATE", signer.signing_cert.dump())
        return armoured

    def fingerprint(self) -> str:
        """SHA-256 of the certificate in force, in hexadecimal."""
        return hashlib.sha256(self._ready(datetime.now(UTC)).signing_cert.dump()).hexdigest()

    def known(self) -> str:
        """The fingerprint in force without loading what seals; '' before the city's own certificate was made."""
        from asn1crypto import pem

        if self._settings.seal.file:
            return self.fingerprint()
        path = self._folder / "certificate.pem"
        return hashlib.sha256(pem.unarmor(path.read_bytes())[2]).hexdigest() if path.is_file() else ""

    def fingerprints(self) -> frozenset[str]:
        """Of every certificate this city sealed with."""
        from asn1crypto import pem

        found = set()
        if self._settings.seal.file:
            found.add(self.fingerprint())
        for path in self._folder.glob("certificate*.pem") if self._folder.is_dir() else ():
            with suppress(OSError, ValueError):
                found.add(hashlib.sha256(pem.unarmor(path.read_bytes())[2]).hexdigest())
        return frozenset(found)

    def _ready(self, at: datetime) -> Any:
        with self._lock:
            now = datetime.now(UTC)
            if self._signer is None or self._signer[1] - EARLY < now:
                given = self._settings.seal.file
                signer = _bought(self._settings) if given else _own(self._settings, self._folder, now)
                ends = signer.signing_cert.not_valid_after
                if given:
                    self._keep(signer)
                self._signer = (signer, ends)
            signer, ends = self._signer
            if ends < now:
                raise OperatorError(
                    f"The certificate of the seal ended on {ends:%Y-%m-%d}.",
                    todo="Put the new one into seal.file of city.toml.",
                )
            return signer

    def _keep(self, signer: Any) -> None:
        """A bought certificate stays known after it is replaced, so that its seals stay the city's."""
        from asn1crypto import pem

        data = signer.signing_cert.dump()
        path = self._folder / f"certificate-{hashlib.sha256(data).hexdigest()[:16]}.pem"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pem.armor("CERTIFICATE", data))


def _bought(settings: Settings) -> Any:
    from pyhanko.sign.signers import SimpleSigner

    path = settings.root / settings.seal.file
    try:
        password = settings.seal.password
        if settings.seal.password_file:
            password = (settings.root / settings.seal.password_file).read_text(encoding="utf-8").strip()
        signer = SimpleSigner.load_pkcs12_data(path.read_bytes(), other_certs=(), passphrase=password.encode() or None)
    except OSError as error:
        raise SettingsError(
            f"seal.file cannot be read: {error.strerror}.", todo="Check the path in city.toml."
        ) from None
    except ValueError as error:
        raise SettingsError(
            "seal.file is no PKCS#12 file, or its password is another.",
            todo="Set ARENGO_SEAL_PASSWORD, or seal.password_file.",
        ) from error
    if signer is None or signer.signing_cert is None:
        raise SettingsError("seal.file holds no certificate with a key.", todo="Export certificate and key together.")
    return signer


def _own(settings: Settings, folder: Path, now: datetime) -> Any:
    """The city's own certificate, made when there is none or it ends soon; earlier certificates stay beside it."""
    from pyhanko.keys import load_cert_from_pemder, load_private_key_from_pemder
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    key, certificate = folder / "key.pem", folder / "certificate.pem"
    if key.is_file() and certificate.is_file():
        held = load_cert_from_pemder(str(certificate))
        if held.not_valid_after - EARLY < now:
            certificate.rename(folder / f"certificate-{hashlib.sha256(held.dump()).hexdigest()[:16]}.pem")
            key.unlink()
    if not key.is_file() or not certificate.is_file():
        _make(settings, folder, now)
    store = SimpleCertificateStore()
    return SimpleSigner(
        signing_cert=load_cert_from_pemder(str(certificate)),
        signing_key=load_private_key_from_pemder(str(key), passphrase=None),
        cert_registry=store,
    )


def _make(settings: Settings, folder: Path, now: datetime) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID, ObjectIdentifier

    city = settings.city
    names = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, city.name[:64] or "City"),
        x509.NameAttribute(NameOID.COMMON_NAME, f"{city.name[:50]} document seal"),
    ]
    if re.fullmatch(r"[A-Za-z]{2}", city.country):
        names.insert(0, x509.NameAttribute(NameOID.COUNTRY_NAME, city.country.upper()))
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)  # signature, non-repudiation
    made: Certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name(names))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ObjectIdentifier("1.3.6.1.5.5.7.3.36")]), critical=False)  # RFC 9336
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Two processes may both find no key: the certificate decides, and it is put in place whole with its key.
    trial = folder / f"key-{os.getpid()}-{threading.get_ident()}.pem"
    handle = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(trial, folder / "key.pem")
    except FileExistsError:
        trial.unlink()
        _wait(folder / "certificate.pem")
        return
    trial.unlink()
    part = folder / "certificate.pem.part"
    part.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    part.replace(folder / "certificate.pem")


def _wait(path: Path) -> None:
    """The other process writes the certificate within moments."""
    import time

    until = time.monotonic() + 5
    while not path.is_file():
        if time.monotonic() > until:
            raise OperatorError(
                f"{path.parent} holds a key without its certificate.", todo="Remove key.pem there; both are made anew."
            )
        time.sleep(0.02)


def _stamper(settings: Settings) -> Any:
    """A time-stamping authority asked through the guard of outgoing requests (RFC 3161, section 3.4)."""
    from pyhanko.sign.timestamps import TimeStamper

    class Guarded(TimeStamper):
        def __init__(self) -> None:
            super().__init__(include_nonce=True)  # type: ignore[no-untyped-call]

        async def async_request_tsa_response(self, req: Any) -> Any:
            import asyncio

            return await asyncio.to_thread(_ask, settings, req.dump())

    return Guarded()


def _ask(settings: Settings, body: bytes) -> Any:
    from asn1crypto import tsp

    from arengo.sources.guard import Guard

    guard = Guard(settings.sources)
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    with (
        guard.client() as client,
        guard.stream(client, settings.seal.tsa, headers=headers, method="POST", content=body) as response,
    ):
        data = b"".join(guard.body(response, _TSA_BYTES))
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if response.status_code != 200 or kind != "application/timestamp-reply":
            raise OperatorError(
                f"The time-stamping authority answered {response.status_code} ({kind or 'no type'}).",
                todo="Check seal.tsa in city.toml.",
            )
    return tsp.TimeStampResp.load(data)


def _check(pdf: bytes, known: frozenset[str]) -> Seal:
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    try:
        reader = PdfFileReader(BytesIO(pdf))
        found = reader.embedded_regular_signatures
        if not found:
            return Seal(False, problem="The file has no seal.")
        last = found[-1]
        certificate = last.signer_cert
        data = certificate.dump()
        context = ValidationContext(trust_roots=[certificate], allow_fetching=False)
        status = validate_pdf_signature(last, signer_validation_context=context)
    except (PdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OSError) as error:
        # A damaged file fails wherever the parser first leans on the damage.
        return Seal(False, problem=f"The file cannot be read as a sealed document ({type(error).__name__}).")
    fingerprint = hashlib.sha256(data).hexdigest()
    intact = bool(status.intact and status.valid) and _exact(pdf, last.byte_range)
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    stamp = status.timestamp_validity
    ours = fingerprint in known
    problem = ""
    if not intact:
        problem = "The file was changed after it was sealed."
    elif not whole:
        problem = "Something was added to the file after it was sealed."
    elif not ours:
        problem = "The seal is intact, but it was not made with a certificate of this city."
    reason = last.sig_object.get("/Reason", "")
    return Seal(
        True, intact, whole, ours, by=str(certificate.subject.native.get("common_name", "")), reason=str(reason),
        at=status.signer_reported_dt, stamped=stamp.timestamp if stamp is not None else None,
        fingerprint=fingerprint, problem=problem,
    )  # fmt: skip


def _exact(pdf: bytes, byte_range: Any) -> bool:
    """Whether the gap that no signature can cover holds the signature and zeros, in the spelling it was written in."""
    gap = pdf[int(byte_range[0]) + int(byte_range[1]) : int(byte_range[2])]
    if gap[:1] != b"<" or gap[-1:] != b">":
        return False
    try:
        data = bytes.fromhex(gap[1:-1].decode("ascii"))
    except ValueError:
        return False
    short = data[1] < 128
    head = 2 if short else 2 + data[1] - 128
    size = data[1] if short else int.from_bytes(data[2:head], "big")  # X.690, 8.1.3: length of the outermost value
    return gap[1:-1] == data.hex().encode().upper() and not any(data[head + size :])
