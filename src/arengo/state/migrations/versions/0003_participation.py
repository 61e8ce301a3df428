"""What people say of the data, who follows it, and the letters that wait to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def _dated() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("closed_at", moment),
    )


def _reachable() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("language", sa.String, nullable=False),
        sa.Column("mail", sa.String),
        sa.Column("confirmed_at", moment),
        sa.Column("nonce", sa.String, nullable=False, unique=True),
    )


def upgrade() -> None:
    _events()
    _requests()
    _letters()
    _counts()


def _events() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_index("event_dataset", "event", ["dataset", "seq"])
    op.create_table(
        "observed",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("contract_sha", sa.String, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
    )
    op.create_table(
        "step",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("item", sa.String, primary_key=True),
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )


def _requests() -> None:
    op.create_table(
        "amendment",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("column", sa.String, nullable=False),
        sa.Column("key", sa.JSON, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("wrong", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("current", sa.JSON, nullable=False),
        sa.Column("proposed", sa.JSON, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("corrected", sa.Integer),
        *_dated(),
        *_reachable(),
    )
    op.create_index("amendment_dataset", "amendment", ["dataset", "created_at"])
    op.create_index("amendment_state", "amendment", ["state"])
    op.create_table(
        "comment",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("thread", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("official", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reports", sa.Integer, nullable=False),
        *_dated(),
        *_reachable(),
    )
    op.create_index("comment_thread", "comment", ["thread", "created_at"])
    op.create_index("comment_dataset", "comment", ["dataset", "created_at"])
    op.create_index("comment_state", "comment", ["state"])
    op.create_table(
        "report",
        sa.Column("comment", sa.String, primary_key=True),
        sa.Column("who", sa.String, primary_key=True),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("at", moment, nullable=False),
    )
    op.create_table(
        "reuse",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("link", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        *_dated(),
        *_reachable(),
    )
    op.create_index("reuse_state", "reuse", ["state"])
    op.create_table(
        "reuse_dataset",
        sa.Column("reuse", sa.String, primary_key=True),
        sa.Column("dataset", sa.String, primary_key=True),
    )
    op.create_index("reuse_dataset_of", "reuse_dataset", ["dataset"])
    op.create_table(
        "wish",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("planned", sa.Date),
        sa.Column("dataset", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("support", sa.Integer, nullable=False),
        *_dated(),
        *_reachable(),
    )
    op.create_index("wish_state", "wish", ["state"])
    op.create_table(
        "support",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("wish", sa.String, nullable=False),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("browser", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("mail", sa.String),
        sa.Column("confirmed_at", moment),
        sa.UniqueConstraint("wish", "who", name="support_once"),
    )


def _letters() -> None:
    op.create_table(
        "subscription",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("mail", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("rhythm", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("confirmed_at", moment),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("told_at", moment),
        sa.UniqueConstraint("who", "topic", "value", name="subscription_once"),
    )
    op.create_table(
        "letter",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("mail", sa.String),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("words", sa.Text),
        sa.Column("unsubscribe", sa.String, nullable=False),
        sa.Column("subscription", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("sent_at", moment),
    )
    op.create_index("letter_due", "letter", ["state", "next_at"])
    op.create_table(
        "webhook",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("datasets", sa.JSON, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_table(
        "webhook_rest",
        sa.Column("hook", sa.String, primary_key=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("hook", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("ms", sa.Integer),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("ended_at", moment),
    )
    op.create_index("delivery_due", "delivery", ["state", "next_at"])
    op.create_index("delivery_hook", "delivery", ["hook", "created_at"])


def _counts() -> None:
    op.create_table(
        "reading",
        sa.Column("dataset", sa.String, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("robot", sa.Boolean, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
    )
    op.create_index("reading_day", "reading", ["day"])
    op.create_table(
        "posting",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("who", sa.String, nullable=False),
        sa.Column("act", sa.String, nullable=False),
        sa.Column("at", moment, nullable=False),
    )
    op.create_index("posting_who", "posting", ["who", "act", "at"])
    op.create_index("posting_act", "posting", ["act", "at"])
    op.create_table(
        "salt",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("salt", sa.String, nullable=False),
    )
