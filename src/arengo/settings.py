"""``city.toml``, read once, as frozen values: one class a concern, each field with its default and a sentence.

The reference page of the documentation is generated from these classes (:func:`describe`), and a test fails
when a setting is missing there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from arengo.errors import Place, SettingsError


def _set(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class CitySettings:
    """``[city]``: how the city calls itself and speaks."""

    name: str = _set("Your city", "Name shown on every page instead of the word platform.")
    language: str = _set("en", "Default language of the pages (BCP 47), used when the browser asks for none we have.")
    timezone: str = _set("UTC", "IANA time zone in which source times without an offset are read.")
    country: str = _set("", "ISO 3166 two-letter code; orders ambiguous dates and telephone numbers in drafts.")
    url: str = _set("", "Public address of the portal, used in links; empty means links without a host.")
    accent: str = _set("#9d2f1f", "Accent colour of the pages; refused when its contrast on paper is below 4.5 to 1.")
    contact: str = _set("", "E-mail address shown to people who need help.")
    description: str = _set("", "One or two sentences about the catalogue, for readers and other catalogues.")
    homepage: str = _set("", "Address of the city's own site.")
    identifier: str = _set("", "The city's code in its state's register of public bodies (in Italy the IPA code).")
    place: str = _set("", "Address of the city in a register of places (EU place, GeoNames), for other catalogues.")
    licence: str = _set("CC-BY-4.0", "Licence of open datasets whose contract names none.")


@dataclass(frozen=True, slots=True)
class LookSettings:
    """``[look]``: what the pages take from the city. Checked when the server starts: what cannot be read is refused."""

    accent: str = _set("", "Accent colour in the light theme; empty means city.accent.")
    accent_dark: str = _set("", "Accent colour in the dark theme; empty means the nearest readable to the light one.")
    paper: str = _set("", "Colour of the page in the light theme, nearly white; empty means #fbfaf6.")
    logo: str = _set("", "SVG or PNG file in the city folder, shown before the city's name; empty shows our seats.")
    display_font: str = _set("", "WOFF2, TrueType or OpenType file in the city folder, for titles.")
    text_font: str = _set("", "WOFF2, TrueType or OpenType file in the city folder, for everything else.")


@dataclass(frozen=True, slots=True)
class AccessibilitySettings:
    """``[accessibility]``: what the accessibility statement says beyond what is tested with every release."""

    status: str = _set("partial", "What your own evaluation found: full, partial or none (EU 2018/1523, section 2).")
    evaluated_by: str = _set("", "Who evaluated the site; empty means a self-assessment with the tests named there.")
    prepared: str = _set("", "Day the statement was prepared (YYYY-MM-DD); empty says that you have not adopted it.")
    reviewed: str = _set("", "Day it was last reviewed (YYYY-MM-DD), when that is another one.")
    gaps: tuple[str, ...] = _set((), "Sentences on content that is not accessible, why, and what to use instead.")
    contact: str = _set("", "E-mail address for feedback; empty means city.contact.")
    enforcement: str = _set("", "Address of the enforcement procedure of your state.")
    enforcement_body: str = _set("", "Name of the body that enforces it.")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """``[engine]``: how much of the machine DuckDB may use."""

    threads: int = _set(2, "Threads of one query or job.")
    job_memory: str = _set("768MB", "Memory limit of one publication; what does not fit spills to disk.")
    serve_memory: str = _set("192MB", "Memory limit of the engine that answers requests, per worker.")
    request_seconds: float = _set(20.0, "A query that takes longer is cancelled and answered with 503.")
    cache_bytes: int = _set(32_000_000, "Memory for answers kept by version, query and policy, per worker.")


@dataclass(frozen=True, slots=True)
class StateSettings:
    """``[state]``: the city's own small database."""

    url: str = _set("", "SQLAlchemy address of the state database; empty means SQLite under .arengo/.")


@dataclass(frozen=True, slots=True)
class LakeSettings:
    """``[lake]``: where versions live."""

    warehouse: str = _set("", "Folder or address of the Iceberg warehouse; empty means .arengo/lake.")
    catalogue: str = _set("", "SQLAlchemy address of the Iceberg catalogue; empty means SQLite under .arengo/.")
    keep_days: int = _set(0, "Versions older than this many days expire (0 keeps all); a contract may say otherwise.")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """``[sources]``: limits on what comes in."""

    allow_hosts: tuple[str, ...] = _set((), "Hosts or networks (CIDR) the guard lets through although private.")
    max_bytes: int = _set(20_000_000_000, "Largest download or unpacked member, in bytes.")
    max_ratio: int = _set(200, "Largest ratio of unpacked to packed bytes.")
    max_cell: int = _set(16_000_000, "Largest single cell or line, in bytes.")
    timeout: float = _set(30.0, "Seconds to wait for an answer from another machine.")


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """``[publish]``: the street in."""

    parallel: int = _set(2, "Datasets published at the same time.")
    shrink: float = _set(0.5, "A version with fewer rows than this share of the last one is refused unless told.")
    quarantine_share: float = _set(0.5, "A publication with a larger share of quarantined rows is refused.")


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """``[serve]``: the web server."""

    host: str = _set("127.0.0.1", "Address to listen on.")
    port: int = _set(8000, "Port to listen on.")
    workers: int = _set(1, "Server processes.")
    max_rows: int = _set(10_000, "Largest page of rows one request may ask for.")
    schedule: bool = _set(True, "Run the publications that contracts ask for by their frequency.")


@dataclass(frozen=True, slots=True)
class MailSettings:
    """``[mail]``: the server that sends the city's letters. Without a host no letter is sent, and the pages say so."""

    host: str = _set("", "Name of the SMTP server; empty means that the city sends no letters.")
    port: int = _set(587, "Its port: 587 for starttls, 465 for tls, 25 inside the house.")
    tls: str = _set("starttls", "starttls, tls (from the first byte) or none (only inside the house).")
    user: str = _set("", "User name, when the server asks for one.")
    password: str = _set("", "Password; better in the environment, as ARENGO_MAIL_PASSWORD, or in password_file.")
    password_file: str = _set("", "File that holds the password, relative to the city folder.")
    sender: str = _set("", "Address the letters come from; empty means city.contact.")
    timeout: float = _set(20.0, "Seconds to wait for the server.")
    per_minute: int = _set(60, "Most letters sent in a minute, so that other servers go on taking them.")


@dataclass(frozen=True, slots=True)
class ParticipationSettings:
    """``[participation]``: what people may send, and how long what they send about themselves is kept."""

    open: bool = _set(True, "Whether visitors may send requests, comments, reuses and wishes.")
    moderate: str = _set("links", "Comments that wait for you: links (those with a link, unconfirmed), all or none.")
    keep_days: int = _set(30, "Days after its closing that the e-mail address of a request is erased.")
    confirm_days: int = _set(7, "Days after which an e-mail address that was never confirmed is erased.")
    per_hour: int = _set(10, "Most requests, comments or wishes that one address may send in an hour.")
    per_hour_all: int = _set(500, "Most of each kind taken in an hour from everybody together.")
    proxies: int = _set(0, "Proxies of yours before the server; so many last entries of X-Forwarded-For are believed.")
    usage: bool = _set(True, "Count how often each dataset is read, without anything about who reads.")


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """``[login]``: how people sign in. Providers of identities are declared in ``login/NAME.toml``."""

    local: bool = _set(True, "Whether people may have a password or passkey kept here; otherwise providers only.")
    hours: float = _set(12.0, "Hours after which a session ends, however it is used.")
    idle_minutes: float = _set(60.0, "Minutes without a request after which a session ends.")
    step_up_minutes: float = _set(15.0, "Minutes after a login in which passwords, keys and roles may be changed.")
    invitation_days: float = _set(7.0, "Days for which an invitation can be accepted.")
    reset_hours: float = _set(2.0, "Hours for which a link for a new password can be used.")
    assurance: tuple[str, ...] = _set(
        ("administrator=substantial",), "ROLE=LEVEL: a role rests in a session of a lower level of assurance."
    )
    allow_hosts: tuple[str, ...] = _set(
        (), "Providers' hosts or networks (CIDR) that may be asked although they are not public."
    )
    argon2_memory: int = _set(47_104, "Memory one check of a password takes, in KiB (argon2id).")
    argon2_passes: int = _set(1, "Passes of one check of a password over that memory.")
    password_length: int = _set(12, "Fewest characters of a password.")


@dataclass(frozen=True, slots=True)
class SqlSettings:
    """``[sql]``: questions in SQL over what is published."""

    enabled: bool = _set(True, "Answer questions in SQL.")
    seconds: float = _set(20.0, "A question that takes longer is stopped and answered with 503.")
    memory: str = _set("256MB", "Memory one question may take, in a process of its own; nothing spills to the disk.")
    threads: int = _set(1, "Threads of one question; with more, rows without ORDER BY may change their order.")
    max_rows: int = _set(100_000, "Most rows of one answer; what is left out is said.")
    max_bytes: int = _set(64_000_000, "Largest answer, in bytes.")
    parallel: int = _set(2, "Questions answered at the same time, per worker; others wait for their turn.")


@dataclass(frozen=True, slots=True)
class SealSettings:
    """``[seal]``: the certificate that seals the city's documents. Without one the city makes its own at first use."""

    file: str = _set("", "PKCS#12 file (.p12, .pfx) with certificate and key, relative to the city folder.")
    password: str = _set("", "Its password; better in the environment, as ARENGO_SEAL_PASSWORD, or in password_file.")
    password_file: str = _set("", "File that holds the password, relative to the city folder.")
    tsa: str = _set("", "Address of a time-stamping authority (RFC 3161); empty seals without a trusted time.")


@dataclass(frozen=True, slots=True)
class RegisterSettings:
    """``[register]``: who answers for personal data, as the record and the notices of the GDPR say."""

    controller: str = _set("", "The controller's full name; empty means city.name.")
    address: str = _set("", "The controller's postal address.")
    mail: str = _set("", "E-mail address for questions on personal data; empty means city.contact.")
    dpo: str = _set("", "Name or office of the data protection officer (GDPR, Art. 37).")
    dpo_mail: str = _set("", "E-mail address of the data protection officer.")
    authority: str = _set("", "Name of the supervisory authority people may complain to (GDPR, Art. 77).")
    authority_url: str = _set("", "Address of its site.")


@dataclass(frozen=True, slots=True)
class AgreementSettings:
    """``[agreements]``: terms and times of agreements about shared datasets."""

    longest_days: int = _set(1095, "Longest term of one agreement; it can be renewed.")
    remind_days: int = _set(5, "Days between reminders of a request that nobody has decided; silence never grants.")
    notice_days: int = _set(30, "Days before its end that both sides hear of it.")
    grace_days: int = _set(30, "Days in which an agreement is asked for again after its contract broke; then it stops.")


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """``[ledger]``: the record of what happened, and who vouches for it."""

    checkpoint_seconds: int = _set(60, "The record is signed anew at most this often, when it grew.")
    witness_minutes: int = _set(60, "Witnesses are asked for their signature at most this often.")
    witnesses: tuple[str, ...] = _set((), "Who cosigns our record, each 'VERIFIERKEY ADDRESS' (C2SP tlog-witness).")
    logs: tuple[str, ...] = _set((), "Verifier keys of the records of others that this city cosigns.")


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """``[policy]``: what the rules in policies/ may speak of."""

    zones: tuple[str, ...] = _set(
        (), "Zones of the network: a name and its networks each, such as 'office 10.0.0.0/8 2001:db8::/32'."
    )


@dataclass(frozen=True, slots=True)
class CensusSettings:
    """``[census]``: the register of the city's applications and the exchanges between them."""

    public: bool = _set(True, "Show the census to everybody, without technology, hosting, contacts and contract dates.")


@dataclass(frozen=True, slots=True)
class PrivacySettings:
    """``[privacy]``: the gate before a publication. A contract's arengoPrivacyTarget may ask for more, not for less."""

    k: int = _set(5, "Persons in the smallest group that released attributes may make.")
    l: int = _set(1, "Different sensitive values in a group; 1 asks for nothing.")  # noqa: E741
    t: float = _set(
        0.0, "Largest distance (0 to 1) of a group's sensitive values from everybody's; 0 asks for nothing."
    )
    suppression: float = _set(0.05, "Share of rows a repair may withhold.")
    threshold: int = _set(5, "Smallest count above zero that a table of counts may show.")
    epsilon: float = _set(1.0, "Differential privacy a population may spend in a year.")
    sample: int = _set(10_000, "Distinct values of a column that detection looks at.")


@dataclass(frozen=True, slots=True)
class Settings:
    """All of ``city.toml`` plus the folder it was found in."""

    root: Path
    city: CitySettings = CitySettings()
    _: KW_ONLY
    look: LookSettings = LookSettings()
    accessibility: AccessibilitySettings = AccessibilitySettings()
    engine: EngineSettings = EngineSettings()
    state: StateSettings = StateSettings()
    lake: LakeSettings = LakeSettings()
    sources: SourceSettings = SourceSettings()
    publish: PublishSettings = PublishSettings()
    serve: ServeSettings = ServeSettings()
    sql: SqlSettings = SqlSettings()
    mail: MailSettings = MailSettings()
    participation: ParticipationSettings = ParticipationSettings()
    ledger: LedgerSettings = LedgerSettings()
    seal: SealSettings = SealSettings()
    register: RegisterSettings = RegisterSettings()
    census: CensusSettings = CensusSettings()
    policy: PolicySettings = PolicySettings()
    agreements: AgreementSettings = AgreementSettings()
    login: LoginSettings = LoginSettings()
    privacy: PrivacySettings = PrivacySettings()

    @property
    def home(self) -> Path:
        """Everything Arengo writes lives here."""
        return self.root / ".arengo"

    @property
    def state_url(self) -> str:
        return self.state.url or f"sqlite:///{self.home / 'state.sqlite'}"


SECTIONS: dict[str, type[Any]] = {
    "city": CitySettings,
    "look": LookSettings,
    "accessibility": AccessibilitySettings,
    "engine": EngineSettings,
    "state": StateSettings,
    "lake": LakeSettings,
    "sources": SourceSettings,
    "publish": PublishSettings,
    "serve": ServeSettings,
    "sql": SqlSettings,
    "mail": MailSettings,
    "participation": ParticipationSettings,
    "ledger": LedgerSettings,
    "seal": SealSettings,
    "register": RegisterSettings,
    "census": CensusSettings,
    "policy": PolicySettings,
    "login": LoginSettings,
    "privacy": PrivacySettings,
}


def describe() -> Iterator[tuple[str, str, str, Any, str]]:
    """(section, name, type, default, sentence) of every setting, in order."""
    for section, kind in SECTIONS.items():
        hints = get_type_hints(kind)
        for item in fields(kind):
            name = getattr(hints[item.name], "__name__", str(hints[item.name]))
            yield section, item.name, name, item.default, item.metadata["doc"]


def load(root: Path | str, environ: dict[str, str] | None = None) -> Settings:
    """Read ``root/city.toml``; ``ARENGO_SECTION_NAME`` in the environment wins over the file.

    Raises SettingsError when the folder is no city, a name is unknown or a value has the wrong type.
    """
    root = Path(root).resolve()
    path = root / "city.toml"
    if not path.is_file():
        raise SettingsError(
            f"{root} is not a city folder: city.toml is missing.",
            todo="Run 'arengo init DIR' to make one, or name the folder with --city.",
            place=Place(file=str(path)),
        )
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"This is not TOML: {error}.", place=Place(file=str(path))) from error
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for section in raw:
        if section not in SECTIONS:
            raise SettingsError(
                f"There is no section [{section}].",
                todo=f"The sections are {', '.join(SECTIONS)}.",
                place=Place(file=str(path)),
            )
    for section, kind in SECTIONS.items():
        values[section] = _section(section, kind, raw.get(section, {}), env, path)
    if values["look"].accent:  # one accent from here on, whichever section names it
        values["city"] = replace(values["city"], accent=values["look"].accent)
    return Settings(root=root, **values)


def _section(section: str, kind: type[Any], raw: dict[str, Any], env: Any, path: Path) -> Any:
    known = {item.name: item for item in fields(kind)}
    for name in raw:
        if name not in known:
            raise SettingsError(
                f"There is no setting {section}.{name}.",
                todo=f"Known here: {', '.join(known)}.",
                place=Place(file=str(path)),
            )
    out: dict[str, Any] = {}
    for name, item in known.items():
        text = env.get(f"ARENGO_{section}_{name}".upper())
        if text is not None:
            out[name] = _from_text(text, item.default, f"ARENGO_{section}_{name}".upper())
        elif name in raw:
            out[name] = _typed(raw[name], item.default, f"{section}.{name}", path)
    return kind(**out)


def _typed(value: Any, default: Any, name: str, path: Path) -> Any:
    if isinstance(default, tuple) and isinstance(value, list):
        return tuple(str(item) for item in value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise SettingsError(
            f"{name} is {value!r}, but a {type(default).__name__} is wanted.", place=Place(file=str(path))
        )
    return value


def _from_text(text: str, default: Any, name: str) -> Any:
    try:
        if isinstance(default, bool):
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        if isinstance(default, tuple):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        return type(default)(text)
    except (KeyError, ValueError) as error:
        raise SettingsError(f"{name} is {text!r}, but a {type(default).__name__} is wanted.") from error
