"""Laws over generated dirt: in any language, encoding and dialect the table is found and typed as it was made."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from draft_messy import PERSONAL, TONGUES, TRUTH, Messy, make
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arengo.contract import Severity, lint
from arengo.contract.draft import infer
from arengo.settings import SourceSettings
from arengo.sources.base import Context
from arengo.sources.csv import open_table, tables

CONTEXT = Context(SourceSettings(), Path("unused"))


def mistakes(messy: Messy) -> list[str]:
    """What the draft of a generated file got wrong."""
    [sample] = tables(lambda: io.BytesIO(messy.data), messy.name, {}, CONTEXT)
    draft = infer(sample, country=messy.tongue.country)
    found = [str(item) for item in lint(draft.text) if item.severity is Severity.ERROR]
    columns = draft.contract.properties
    if len(columns) != len(messy.columns):
        return [*found, f"{len(columns)} columns instead of {len(messy.columns)}"]
    if sample.total != messy.rows:
        found.append(f"{sample.total} rows instead of {messy.rows}")
    for kind, column in zip(messy.columns, columns, strict=True):
        if column.kind.value != TRUTH[kind]:
            found.append(f"{column.physical_name}: {column.kind} instead of {TRUTH[kind]}")
        personal = str(column.custom.get("arengoPersonalKind", ""))
        if personal != PERSONAL.get(kind, "") and kind != "phone":
            found.append(f"{column.physical_name}: person {personal!r} instead of {PERSONAL.get(kind, '')!r}")
    if "lat" in messy.columns and draft.contract.geometry is None:
        found.append("no place")
    pull = open_table(lambda: io.BytesIO(messy.data), messy.name, sample.options, (), CONTEXT)
    rows = sum(batch.num_rows for batch in pull.batches)
    if rows != messy.rows or pull.read != rows + len(pull.rejects):
        found.append(f"read again: {rows} rows, {pull.read} met, {len(pull.rejects)} set aside")
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.integers(0, 2**31))
def test_generated_dirt_is_drafted_as_it_was_made(seed: int) -> None:
    assert mistakes(make(seed)) == []


@pytest.mark.slow
def test_a_thousand_files_in_every_language() -> None:
    wrong = {seed: found for seed in range(1000) if (found := mistakes(make(seed)))}
    assert len(TONGUES) >= 8
    assert len(wrong) <= 5, wrong
