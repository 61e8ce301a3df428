"""Examples of values in contracts: a draft of long ago may have put one of the person's own into the text.

The contract in force becomes its next version without them, in the city folder's file too where that is the same text.
Earlier texts lose them in place; they keep the SHA-256 under which versions name them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from arengo.contract.document import parse
from arengo.contract.write import remove
from arengo.errors import ArengoError
from arengo.services.erasure.traces import names
from arengo.services.stewardship import Stewardship
from arengo.state import tables

if TYPE_CHECKING:
    from arengo.settings import Settings
    from arengo.state import State


def scrub(settings: Settings, state: State, dataset: str, needles: Sequence[str]) -> Mapping[str, Any]:
    """Take every list of examples that names the person out of a dataset's contracts. ``contracts``: texts changed;
    ``file``: whether the city folder's file was."""
    record = state.contracts(retired=True).get(dataset)
    changed, file = 0, False
    if record is not None and record.retired_at is None:
        text = without_examples(record.text, needles)
        if text != record.text:
            try:
                made = Stewardship(state).keep(dataset, text, record.sha)
                changed += 1
                file = _write(settings, record.path or "", record.sha, made.text)
            except ArengoError:  # an old contract with an error of today's lint: it is changed in place
                pass
    c = tables.contract.c
    with state.write() as connection:
        held = connection.execute(sa.select(c.sha, c.text).where(c.dataset == dataset)).all()
        for sha, told in held:
            text = without_examples(told, needles)
            if text != told:
                chosen = sa.update(tables.contract).where(c.dataset == dataset, c.sha == sha)
                connection.execute(chosen.values(text=text))
                changed += 1
    return {"contracts": changed, "file": file}


def without_examples(text: str, needles: Sequence[str]) -> str:
    """The contract's text without the lists of examples in which one value names the person."""
    try:
        schema = parse(text).data.get("schema") or []
        columns = schema[0].get("properties") or [] if schema else []
    except (ArengoError, AttributeError, TypeError):
        return text
    for number, column in enumerate(columns):
        examples = column.get("examples") if isinstance(column, Mapping) else None
        if isinstance(examples, (list, tuple)) and any(names(str(value), needles) for value in examples):
            text = remove(text, ("schema", 0, "properties", number, "examples"))
    return text


def _write(settings: Settings, path: str, sha: str, text: str) -> bool:
    """Where the folder's file is still the text that was in force, it becomes the new one."""
    target = (settings.root / path).resolve()
    if not path or not target.is_relative_to(settings.root.resolve()) or not target.is_file():
        return False
    body = target.read_bytes()
    if hashlib.sha256(body.replace(b"\r\n", b"\n")).hexdigest() != sha and hashlib.sha256(body).hexdigest() != sha:
        return False
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8", newline="")
    os.replace(part, target)
    return True
