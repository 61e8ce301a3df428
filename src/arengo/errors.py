"""The one error tree.

Three questions are answered by the class: whose fault it is (caller, publisher, operator), whether trying
again can help, and which HTTP status and process exit code it becomes. The message answers three more: what
was met, where (file, row, column), what to do.

    ArengoError
    ├── CallerError               the request is wrong                      exit 2
    │   ├── BadQuery              400  a filter, sort, cursor or limit that cannot be answered
    │   │   └── BadSql            400  says where in the text, by line and column
    │   ├── UnknownColumn         400  a column the caller's view does not have
    │   ├── UnknownDataset        404
    │   ├── UnknownVersion        404
    │   ├── NotAcceptable         406  no such format for this dataset
    │   ├── NotAllowed            403  the policy says no; says who decides
    │   ├── NotKnown              401  the credential is missing, wrong, expired or of nobody
    │   ├── StepUp                403  a surer login is asked for
    │   ├── Conflict              409  somebody decided it meanwhile, or it is in no state for this
    │   ├── NotFound              404  a request, comment, link or secret that nobody made
    │   ├── BadForm               400  a posted form with fields that need a correction
    │   ├── TooOften              429  more was sent from one place than is taken
    │   │   └── QuotaSpent        429  the plan's calls or rows of this second or day are used up
    │   ├── TooExpensive          503  the time or memory limit of one request was reached
    │   └── Stopped               409  the caller, or who may, stopped it
    ├── PublisherError            the contract or the source is wrong       exit 3
    │   ├── ContractError         422  the contract does not say what it must
    │   ├── DashboardError        422  the file of a dashboard does not say what it must
    │   ├── SourceError           422
    │   │   ├── SourceMissing     file, table or address is not there
    │   │   ├── SourceMalformed   bytes that are not what the contract says
    │   │   ├── SourceTooLarge    a limit on size, ratio or nesting was reached
    │   │   ├── SourceForbidden   the guard on outgoing requests said no
    │   │   ├── SourceUnreachable network or database down                  (retry)
    │   │   └── SourceChanged     it changed while it was read              (retry)
    │   ├── PolicyError           422  a policy, its test or a hierarchy needs a correction
    │   └── PublicationRefused    409  a rule, the gate or the shrink guard refused; old version stays
    │       └── PublicationHeld   409  the privacy gate holds it back until somebody decides; old version stays
    └── OperatorError             the installation is wrong                 exit 4
        ├── SettingsError         500  city.toml
        ├── MissingExtra          501  an optional package is not installed
        ├── StorageFull           507  no space left                        (retry)
        ├── Busy                  503  somebody else holds the dataset      (retry)
        ├── AddressTaken          503  another process listens on the port
        ├── LedgerBroken          500  the record is not what was signed; nothing more is written
        └── LakeError             500  the stored state is not what it should be
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was met. Rows count records of the source from 1, lines count text lines from 1."""

    file: str | None = None
    line: int | None = None
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        parts = [self.file or ""]
        for word, value in (("line", self.line), ("row", self.row), ("column", self.column)):
            if value is not None:
                parts.append(f"{word} {value}")
        return ", ".join(part for part in parts if part)


class ArengoError(Exception):
    """Root of every error Arengo raises on purpose.

    ``met``: what was found. ``todo``: what the reader can do next. ``place``: where.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    retry: ClassVar[bool] = False
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, met: str, *, todo: str = "", place: Place | None = None) -> None:
        self.met = met
        self.todo = todo
        self.place = place
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place and str(self.place) else ""
        tail = f" {self.todo}" if self.todo else ""
        return f"{where}{self.met}{tail}"

    def __reduce__(self) -> tuple[object, ...]:
        # Durable workflows pickle errors; keyword-only arguments need help.
        return (_rebuild, (type(self), self.met, self.todo, self.place))

    def as_dict(self) -> dict[str, object]:
        """JSON form used by ``--json`` and by run records."""
        out: dict[str, object] = {"code": self.code, "message": self.met, "retry": self.retry}
        if self.todo:
            out["todo"] = self.todo
        if self.place:
            for key in ("file", "line", "row", "column"):
                value = getattr(self.place, key)
                if value is not None:
                    out[key] = value
        return out


def _rebuild(kind: type[ArengoError], met: str, todo: str, place: Place | None) -> ArengoError:
    return kind(met, todo=todo, place=place)


class CallerError(ArengoError, ValueError):
    code, status, exit_code, title = "caller-error", 400, 2, "The request cannot be answered"


class BadQuery(CallerError):
    code, title = "bad-query", "The query cannot be read"


class BadSql(BadQuery):
    """``line`` and ``column`` count from 1, 0 when unknown; ``excerpt``: that line with a caret under the place."""

    code, title = "bad-sql", "The SQL cannot be answered"

    def __init__(
        self, met: str, *, todo: str = "", place: Place | None = None, line: int = 0, column: int = 0, excerpt: str = ""
    ) -> None:
        super().__init__(met, todo=todo, place=place)
        self.line, self.column, self.excerpt = line, column, excerpt


class UnknownColumn(CallerError):
    code, title = "unknown-column", "There is no such column"


class UnknownDataset(CallerError):
    code, status, title = "unknown-dataset", 404, "There is no such dataset"


class UnknownVersion(CallerError):
    code, status, title = "unknown-version", 404, "There is no such version"


class NotAcceptable(CallerError):
    code, status, title = "not-acceptable", 406, "There is no such format for this dataset"


class NotAllowed(CallerError):
    code, status, title = "not-allowed", 403, "You may not read this"


class NotKnown(CallerError):
    code, status, title = "not-known", 401, "We do not know who asks"


class StepUp(CallerError):
    code, status, title = "step-up", 403, "Please sign in again, with more certainty"


class Conflict(CallerError):
    code, status, title = "conflict", 409, "Somebody was quicker, or it is too late for this"


class NotFound(CallerError):
    code, status, title = "not-found", 404, "There is no such thing"


class BadForm(CallerError):
    code, title = "bad-form", "The form needs a correction"


class TooOften(CallerError):
    code, status, retry, title = "too-often", 429, True, "That was sent too often"


class QuotaSpent(TooOften):
    """``seconds``: when to come again. ``headers``: what is left, to be sent with the answer."""

    code, title = "quota-spent", "The plan is used up"

    def __init__(
        self,
        met: str,
        *,
        todo: str = "",
        place: Place | None = None,
        seconds: int = 1,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(met, todo=todo, place=place)
        self.seconds = seconds
        self.headers = dict(headers or {})


class TooExpensive(CallerError):
    code, status, title = "too-expensive", 503, "The answer costs more than one request may"


class Stopped(CallerError):
    code, status, title = "stopped", 409, "The query was stopped"


class PublisherError(ArengoError):
    code, status, exit_code, title = "publisher-error", 422, 3, "The dataset cannot be published"


class ContractError(PublisherError, ValueError):
    code, title = "contract-error", "The contract needs a correction"


class DashboardError(PublisherError, ValueError):
    code, title = "dashboard-error", "The dashboard needs a correction"


class SourceError(PublisherError):
    code, title = "source-error", "The source cannot be read"


class SourceMissing(SourceError):
    code, title = "source-missing", "The source is not there"


class SourceMalformed(SourceError, ValueError):
    code, title = "source-malformed", "The source is not what the contract says"


class SourceTooLarge(SourceError):
    code, title = "source-too-large", "The source is larger than the limit"


class SourceForbidden(SourceError):
    code, title = "source-forbidden", "The source may not be asked"


class SourceUnreachable(SourceError):
    code, retry, title = "source-unreachable", True, "The source does not answer"


class SourceChanged(SourceError):
    code, retry, title = "source-changed", True, "The source changed while it was read"


class PolicyError(PublisherError, ValueError):
    code, title = "policy-error", "The policy needs a correction"


class PublicationRefused(PublisherError):
    code, status, title = "publication-refused", 409, "The new version was refused"


class PublicationHeld(PublicationRefused):
    code, title = "publication-held", "The privacy gate holds the new version back"


class OperatorError(ArengoError):
    code, exit_code, title = "operator-error", 4, "The installation needs attention"


class SettingsError(OperatorError, ValueError):
    code, title = "settings-error", "city.toml needs a correction"


class MissingExtra(OperatorError, ImportError):
    code, status, title = "missing-extra", 501, "An optional package is not installed"


class StorageFull(OperatorError, OSError):
    code, status, retry, title = "storage-full", 507, True, "There is no space left"


def storage_full(error: BaseException) -> StorageFull | None:
    """The lack of space behind an error of a database, a file or a library around one; None when it is another."""
    signs = ("disk is full", "no space left", "disk quota exceeded", "could not extend file")
    seen: list[BaseException | None] = [error]
    for cause in seen:
        if cause is None:
            continue
        if isinstance(cause, StorageFull):
            return cause
        wrapped = getattr(cause, "orig", None)  # SQLAlchemy's errors quote the statement; the driver's own does not
        known = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
        if known or (wrapped is None and any(sign in str(cause).lower() for sign in signs)):
            return StorageFull("There is no space left on the disk.", todo="Free space, then publish again.")
        for inner in (wrapped, cause.__cause__, cause.__context__):
            if isinstance(inner, BaseException) and inner not in seen:
                seen.append(inner)
    return None


class Busy(OperatorError):
    code, status, retry, title = "busy", 503, True, "The dataset is being published by somebody else"


class AddressTaken(OperatorError):
    code, status, title = "address-taken", 503, "The server cannot start"


class LedgerBroken(OperatorError):
    code, title = "ledger-broken", "The record is not what was signed"


class LakeError(OperatorError):
    code, title = "lake-error", "The stored state is not what it should be"
