"""The agreements as they are kept: reading them back, and writing a step with its stamp in one transaction.

Every change goes through :func:`move`: it changes the row only when its state and revision are still the ones that
were looked at, so of several people who decide at the same moment exactly one does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from arengo.contract.model import EMPTY
from arengo.errors import Conflict
from arengo.governance.agreement import Agreement, Approval, Stamp, Terms
from arengo.state.agreements import agreement, agreement_stamp, approval
from arengo.state.participation import counter

NUMBER = "agreement"
"""Name of the counter of stamps."""


def read(connection: Connection, chosen: sa.Select[Any]) -> tuple[Agreement, ...]:
    """The agreements of a selection of whole rows, in its order, with their approvals."""
    rows = connection.execute(chosen).all()
    held: dict[str, list[Approval]] = {}
    ids = [row.id for row in rows]
    for at in range(0, len(ids), 500):
        given = sa.select(approval).where(approval.c.agreement.in_(ids[at : at + 500])).order_by(approval.c.level)
        for row in connection.execute(given):
            held.setdefault(row.agreement, []).append(Approval(row.who, row.at, row.why, row.behalf, row.level))
    return tuple(_agreement(row, tuple(held.get(row.id, ()))) for row in rows)


def one(connection: Connection, id: str) -> Agreement | None:
    found = read(connection, sa.select(agreement).where(agreement.c.id == id))
    return found[0] if found else None


def add(connection: Connection, made: Agreement) -> None:
    """Write a new agreement."""
    assert made.asked is not None
    values = {name: getattr(made, name) for name in _PLAIN}
    connection.execute(
        agreement.insert().values(
            **values, asked=made.asked.as_json(), granted=None, suspended_by=sorted(made.suspended_by)
        )
    )


def move(
    connection: Connection,
    item: Agreement,
    after: str,
    *,
    action: str,
    at: datetime,
    actor: str,
    organisation: str = "",
    behalf: str = "",
    why: str = "",
    body: Mapping[str, Any] = EMPTY,
    granted: Terms | None = None,
    void: bool = False,
    **values: Any,
) -> None:
    """Make a step and stamp it. Raises Conflict when somebody was quicker.

    ``granted``: new terms in force; ``void``: none are any more. ``values``: other columns.
    """
    if void:
        values["granted"] = sa.null()
    if granted is not None:
        values |= {"granted": granted.as_json(), **_bounds(granted)}
    c = agreement.c
    done = connection.execute(
        agreement.update()
        .where(c.id == item.id, c.state == item.state, c.revision == item.revision)
        .values(state=after, revision=item.revision + 1, updated_at=at, **values)
    )
    if done.rowcount != 1:
        raise Conflict("Somebody decided about this meanwhile.", todo="Look at it again.")
    stamp(
        connection, item.id, action=action, at=at, actor=actor, organisation=organisation, behalf=behalf, why=why,
        before=item.state, after=after, body=body,
    )  # fmt: skip


def stamp(connection: Connection, id: str, *, before: str, after: str, **values: Any) -> int:
    """Add a step to the history; its number."""
    seq = _count_up(connection)
    body = dict(values.pop("body", EMPTY))
    connection.execute(
        agreement_stamp.insert().values(
            **({"organisation": "", "behalf": "", "why": ""} | values),
            seq=seq, agreement=id, before=before, after=after, body=body,
        )
    )  # fmt: skip
    return seq


def stamps(connection: Connection, id: str) -> tuple[Stamp, ...]:
    """The history of one agreement, oldest first."""
    c = agreement_stamp.c
    chosen = sa.select(agreement_stamp).where(c.agreement == id).order_by(c.seq)
    return tuple(_stamp(row) for row in connection.execute(chosen))


def stamps_after(connection: Connection, seq: int, limit: int = 500) -> tuple[Stamp, ...]:
    """Steps of all agreements with a number above ``seq``, oldest first."""
    c = agreement_stamp.c
    chosen = sa.select(agreement_stamp).where(c.seq > seq).order_by(c.seq).limit(limit)
    return tuple(_stamp(row) for row in connection.execute(chosen))


def approve(connection: Connection, id: str, given: Approval) -> None:
    """Keep an approval. Raises Conflict when the level or the person has one already."""
    values = {"who": given.who, "behalf": given.behalf, "at": given.at, "why": given.why}
    try:
        with connection.begin_nested():
            connection.execute(approval.insert().values(agreement=id, level=given.level, **values))
    except sa.exc.IntegrityError:
        raise Conflict("This approval was given meanwhile.", todo="Look at it again.") from None


def unapprove(connection: Connection, id: str) -> None:
    """Void the approvals given so far; the stamps keep them."""
    connection.execute(approval.delete().where(approval.c.agreement == id))


def volumes(connection: Connection, dataset: str, plan: str, organisation: str, without: str = "") -> tuple[int, int]:
    """Daily calls granted under a plan: (to the organisation, to all). ``without``: one that is about to end."""
    c = agreement.c
    held = (c.dataset == dataset) & (c.plan == plan) & c.state.in_(("active", "suspended"))
    if without:
        held &= c.id != without
    mine = sa.func.coalesce(sa.func.sum(sa.case((c.organisation == organisation, c.volume), else_=0)), 0)
    row = connection.execute(sa.select(mine, sa.func.coalesce(sa.func.sum(c.volume), 0)).where(held)).one()
    return int(row[0]), int(row[1])


def refused(connection: Connection, dataset: str, organisation: str) -> bool:
    """Whether the owner's last word to this organisation about this dataset was no: rejected, suspended or revoked."""
    c, s = agreement.c, agreement_stamp.c
    said = s.action.in_(("reject", "revoke", "suspend", "resume", "approve", "confirm")) & (s.organisation == c.owner)
    chosen = (
        sa.select(s.action)
        .join(agreement, c.id == s.agreement)
        .where(c.dataset == dataset, c.organisation == organisation, said)
        .order_by(s.seq.desc())
    )
    return connection.scalar(chosen.limit(1)) in ("reject", "revoke", "suspend")


def held_back(connection: Connection, dataset: str, organisation: str) -> bool:
    """Whether the owner or the platform has stopped an agreement of this organisation about this dataset."""
    c = agreement.c
    chosen = sa.select(c.suspended_by).where(
        c.dataset == dataset, c.organisation == organisation, c.state == "suspended"
    )
    return any({"owner", "platform"} & set(row[0]) for row in connection.execute(chosen))


def by_platform(connection: Connection, item: Agreement) -> bool:
    """Whether an administrator has suspended it, not the clock because of its contract."""
    if "platform" not in item.suspended_by:
        return False
    last = ""
    for one in stamps(connection, item.id):
        if one.action == "outdate" or one.body.get("flag") == "platform":
            last = one.action
    return last == "suspend"


def rival(connection: Connection, item: Agreement) -> str:
    """Id of another open agreement of the same reader about the same dataset and purpose; ''."""
    c = agreement.c
    chosen = sa.select(c.id).where(
        c.application == item.application, c.organisation == item.organisation, c.dataset == item.dataset,
        c.purpose == item.purpose, c.state.in_(("pending", "active", "suspended")),
        c.id.not_in((item.id, item.follows)),
    )  # fmt: skip
    return str(connection.scalar(chosen.limit(1)) or "")


def ids(connection: Connection, chosen: sa.Select[Any]) -> Sequence[str]:
    return [str(row[0]) for row in connection.execute(chosen)]


def place(connection: Connection, reader: str) -> int:
    """How far a reader of stamps has come."""
    return int(connection.scalar(sa.select(counter.c.n).where(counter.c.name == reader)) or 0)


def keep_place(connection: Connection, reader: str, seq: int) -> None:
    done = connection.execute(counter.update().where(counter.c.name == reader).values(n=seq))
    if not done.rowcount:
        connection.execute(counter.insert().values(name=reader, n=seq))


def _count_up(connection: Connection) -> int:
    counted = counter.update().where(counter.c.name == NUMBER).values(n=counter.c.n + 1)
    if not connection.execute(counted).rowcount:
        try:
            with connection.begin_nested():
                connection.execute(counter.insert().values(name=NUMBER, n=1))
        except sa.exc.IntegrityError:  # somebody else was first, just now
            connection.execute(counted)
    return int(connection.scalar(sa.select(counter.c.n).where(counter.c.name == NUMBER)) or 0)


_PLAIN = (
    "id", "dataset", "contract_version", "contract_sha", "owner", "organisation", "application", "purpose", "plan",
    "volume", "valid_from", "valid_to", "state", "follows", "drafted_by", "requested_by", "requested_at", "revision",
    "created_at", "updated_at",
)  # fmt: skip


def _bounds(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in ("plan", "volume", "valid_from", "valid_to")}


def _agreement(row: Any, approvals: tuple[Approval, ...]) -> Agreement:
    asked = Terms.of_json(row.asked)
    terms = Terms.of_json(row.granted) if row.granted else asked
    plain = {name: getattr(row, name) for name in _PLAIN if name not in ("plan", "volume", "valid_from", "valid_to")}
    return Agreement(
        **plain, **_bounds(terms), columns=terms.columns, rows=terms.rows, masks=terms.masks,
        obligations=terms.obligations, suspended_by=frozenset(row.suspended_by), approvals=approvals, asked=asked,
    )  # fmt: skip


def _stamp(row: Any) -> Stamp:
    return Stamp(**{name: getattr(row, name) for name in Stamp.__slots__})
