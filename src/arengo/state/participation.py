"""The tables of what people send and follow, beside :mod:`arengo.state.tables` and under the same metadata.

An e-mail address stands only in a column named ``mail``; emptying those columns is erasing.
"""

from __future__ import annotations

import sqlalchemy as sa

from arengo.state.tables import Moment, metadata


def _reachable() -> tuple[sa.Column[object], ...]:
    """How to answer whoever sent something, until it is erased."""
    return (
        sa.Column("language", sa.String, nullable=False),
        sa.Column("mail", sa.String),
        sa.Column("confirmed_at", Moment),
        sa.Column("nonce", sa.String, nullable=False, unique=True),  # of the form: sending it twice makes one
    )


def _dated() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.Column("closed_at", Moment),
    )


counter = sa.Table(  # the last event, and how far each reader of events has come
    "counter",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, nullable=False),  # version.published | dataset.added | amendment.accepted | ...
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Index("event_dataset", "dataset", "seq"),
)

observed = sa.Table(  # what was last seen of each dataset, so that publishing needs to know nobody
    "observed",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("contract_sha", sa.String, nullable=False),
    sa.Column("retired", sa.Boolean, nullable=False),
)

step = sa.Table(  # the public history of a request, comment, reuse or wish
    "step",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("item", sa.String, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),  # sender | city | arengo
    sa.Column("words", sa.Text, nullable=False),
)

amendment = sa.Table(
    "amendment",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("column", sa.String, nullable=False),  # '' for the dataset or a row
    sa.Column("key", sa.JSON, nullable=False),  # texts of the primary key, [] when it is about no row
    sa.Column("label", sa.String, nullable=False),  # how the row is called
    sa.Column("version", sa.Integer),  # the one that was looked at
    sa.Column("wrong", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("current", sa.JSON, nullable=False),  # column -> text
    sa.Column("proposed", sa.JSON, nullable=False),  # column -> text
    sa.Column("gone", sa.Boolean, nullable=False),  # the row should not be there
    sa.Column("corrected", sa.Integer),  # version
    *_dated(),
    *_reachable(),
    sa.Index("amendment_dataset", "dataset", "created_at"),
    sa.Index("amendment_state", "state"),
)

comment = sa.Table(
    "comment",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, nullable=False),
    sa.Column("thread", sa.String, nullable=False),  # id of the first comment
    sa.Column("title", sa.String, nullable=False),  # of the first comment, '' in replies
    sa.Column("author", sa.String, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("official", sa.Boolean, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reports", sa.Integer, nullable=False),
    *_dated(),
    *_reachable(),
    sa.Index("comment_thread", "thread", "created_at"),
    sa.Index("comment_dataset", "dataset", "created_at"),
    sa.Index("comment_state", "state"),
)

report = sa.Table(
    "report",
    metadata,
    sa.Column("comment", sa.String, primary_key=True),
    sa.Column("who", sa.String, primary_key=True),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

reuse = sa.Table(
    "reuse",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("kind", sa.String, nullable=False),  # article | application | visualisation | research | teaching | other
    sa.Column("link", sa.String, nullable=False),
    sa.Column("author", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    *_dated(),
    *_reachable(),
    sa.Index("reuse_state", "state"),
)

reuse_dataset = sa.Table(
    "reuse_dataset",
    metadata,
    sa.Column("reuse", sa.String, primary_key=True),
    sa.Column("dataset", sa.String, primary_key=True),
    sa.Index("reuse_dataset_of", "dataset"),
)

wish = sa.Table(
    "wish",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("planned", sa.Date),
    sa.Column("dataset", sa.String, nullable=False),  # what it became
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("support", sa.Integer, nullable=False),
    *_dated(),
    *_reachable(),
    sa.Index("wish_state", "state"),
)

support = sa.Table(
    "support",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("wish", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),  # keyed hash of an e-mail address or of a browser's cookie
    sa.Column("browser", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("mail", sa.String),  # until it is confirmed
    sa.Column("confirmed_at", Moment),
    sa.UniqueConstraint("wish", "who", name="support_once"),
)

subscription = sa.Table(
    "subscription",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("who", sa.String, nullable=False),  # keyed hash of the address
    sa.Column("mail", sa.String, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("topic", sa.String, nullable=False),  # dataset | theme | organisation | search | request | ...
    sa.Column("value", sa.String, nullable=False),
    sa.Column("rhythm", sa.String, nullable=False),  # immediate | daily | weekly
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("confirmed_at", Moment),
    sa.Column("seen", sa.BigInteger, nullable=False),  # the last event that was told
    sa.Column("told_at", Moment),
    sa.UniqueConstraint("who", "topic", "value", name="subscription_once"),
)

letter = sa.Table(
    "letter",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # left half of the Message-ID: the same letter is never two
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("mail", sa.String),  # emptied once sent
    sa.Column("who", sa.String, nullable=False),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("words", sa.Text),  # emptied once sent
    sa.Column("unsubscribe", sa.String, nullable=False),
    sa.Column("subscription", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # waiting | sent | failed
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", Moment, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sent_at", Moment),
    sa.Index("letter_due", "state", "next_at"),
)

webhook = sa.Table(  # those declared on the page; others stand in webhooks.toml
    "webhook",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("url", sa.String, nullable=False),
    sa.Column("secret", sa.String, nullable=False),
    sa.Column("events", sa.JSON, nullable=False),
    sa.Column("datasets", sa.JSON, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

webhook_rest = sa.Table(  # receivers that said 410 Gone, or were stopped by hand
    "webhook_rest",
    metadata,
    sa.Column("hook", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.String, primary_key=True),  # webhook-id: the same for every try
    sa.Column("hook", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.String, nullable=False),  # waiting | delivered | dead
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", Moment, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("ms", sa.Integer),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Index("delivery_due", "state", "next_at"),
    sa.Index("delivery_hook", "hook", "created_at"),
)

reading = sa.Table(  # how often each dataset is read: a day, a kind, a count; nothing of who
    "reading",
    metadata,
    sa.Column("dataset", sa.String, primary_key=True),  # '' for what belongs to no single dataset
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("robot", sa.Boolean, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Index("reading_day", "day"),
)

posting = sa.Table(  # who sent how much today, by a hash that nobody can compute tomorrow
    "posting",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("act", sa.String, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("posting_who", "who", "act", "at"),
    sa.Index("posting_act", "act", "at"),
)

salt = sa.Table(
    "salt",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("salt", sa.String, nullable=False),
)

TABLES = (
    counter, event, observed, step, amendment, comment, report, reuse, reuse_dataset, wish, support, subscription,
    letter, webhook, webhook_rest, delivery, reading, posting, salt,
)  # fmt: skip
