"""What may be meant by what was typed so far: datasets, themes, offices, columns, and words spelt right."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from arengo.catalogue.index import FIELDS, Index
from arengo.catalogue.record import Record, say
from arengo.catalogue.search import Load, any_form
from arengo.catalogue.wanted import Suggestion
from arengo.catalogue.words import fold, plain, roots, words
from arengo.contract.vocabulary import THEMES

SCORED = 1500
"""Records from which on a beginning is too short to say which is best."""
ORDER = {"theme": 0, "dataset": 1, "owner": 2, "column": 3, "word": 4}


def suggest(index: Index, text: str, language: str, limit: int, load: Load) -> tuple[Suggestion, ...]:
    """At most ``limit`` lines, at least one of each kind that fits. Never raises for any text."""
    given = tuple(word for word in words(text[:200]) if plain(word))[:8]
    if not given or limit < 1:
        return ()
    out = [*_themes(given, language), *_records(index, given, language, limit, load)]
    if len(given[-1]) > 2 and not any(item.kind in ("dataset", "column") for item in out):
        out += _spelt(index, given)
    unique = tuple({(item.kind, item.text): item for item in out if item.text}.values())
    kinds = dict.fromkeys(item.kind for item in unique)
    first = {next(index for index, item in enumerate(unique) if item.kind == kind) for kind in kinds}
    ranked = sorted(range(len(unique)), key=lambda at: (at not in first, ORDER[unique[at].kind], at))[:limit]
    return tuple(unique[at] for at in sorted(ranked, key=lambda at: (ORDER[unique[at].kind], at)))


def _themes(given: Sequence[str], language: str) -> list[Suggestion]:
    beginning = fold(given[-1])
    if len(given) > 1 or len(beginning) < 3:
        return []
    out = []
    for code, term in THEMES.items():
        label = term.label(language)
        if any(part.startswith(beginning) for part in fold(label).split()):
            out.append(Suggestion("theme", label, f"/datasets?theme={code}"))
    return out


def _records(index: Index, given: Sequence[str], language: str, limit: int, load: Load) -> list[Suggestion]:
    arrays, connection = index.arrays(), index.connection()
    out: list[Suggestion] = []
    for field, kind in (("title", "dataset"), ("owner", "owner"), ("column_", "column")):
        expression = " AND ".join(f"{{{field}}}: {any_form(word, arrays.languages)}" for word in given)
        weights = ", ".join("10.0" if name == field else "0.0" for name in FIELDS)
        few = connection.execute(
            f"SELECT rowid FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT {SCORED})", (expression,)
        ).fetchall()
        if len(few) < SCORED:
            few = connection.execute(
                f"SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, {weights}), rowid LIMIT ?",
                (expression, 2 * limit),
            ).fetchall()
        seen: set[str] = set()
        held = len(arrays.by_number)
        places = [int(arrays.by_number[number]) for (number,) in few[: 2 * limit] if number < held]
        names = [arrays.ids[place] for place in places if place >= 0]
        records = load(names)
        for name in names:
            found = _suggestion(kind, records[name], given, language) if name in records else None
            if found is not None and found.text not in seen:
                seen.add(found.text)
                out.append(found)
            if len(seen) >= limit:
                break
    return out


def _suggestion(kind: str, record: Record, given: Sequence[str], language: str) -> Suggestion | None:
    title = say(record.title, language)[0]
    owner = say(record.publisher.name, language)[0] if record.publisher else ""
    if kind == "owner":
        name = quote(record.publisher.id, safe="") if record.publisher else ""
        return Suggestion("owner", owner, f"/organisations/{name}") if name else None
    if kind == "column":
        for item in record.columns:
            labels = (say(item.label, language)[0], *item.label.values(), item.name)
            if any(all(_fits(label, word) for word in given) for label in labels):
                return Suggestion("column", labels[0] or item.name, f"/datasets/{record.id}", title)
        return None
    return Suggestion("dataset", title, f"/datasets/{record.id}", owner)


def _spelt(index: Index, given: Sequence[str]) -> list[Suggestion]:
    """The whole question with its last word as the index has it: finished, or spelt right."""
    terms = index.terms()
    told = plain(given[-1])
    near = told if told in terms else terms.nearest(told)
    if not near:
        return []
    shown = " ".join([*given[:-1], index.spelt(near)])
    return [Suggestion("word", shown, f"/datasets?{urlencode({'q': shown})}")]


def _fits(text: str, word: str) -> bool:
    told = fold(word)
    return any(
        fold(part).startswith(told) or set(roots(part)) & set(roots(word)) for part in words(text.replace("_", " "))
    )
