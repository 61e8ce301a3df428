"""YAML text as plain data that remembers its lines.

Reads the JSON-compatible part of YAML 1.2 from the event stream of PyYAML: no tags, no objects, dates stay texts,
``yes`` and ``no`` stay texts, numbers with leading zeros and codes such as ``12E3`` stay texts (an exponent needs its
sign, as every JSON writer gives it), a repeated key is an error. Nothing recurses
and everything is counted, so neither deep nesting nor an alias bomb costs more than the limits below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from arengo.errors import ContractError, Place

MAX_CHARACTERS = 4_000_000
MAX_DEPTH = 60
MAX_NODES = 400_000  # after aliases are unfolded

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+][0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_STR_TAGS = {None, "!", "tag:yaml.org,2002:str"}
_MERGE = "<<"

_loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Node:
    """One YAML node. ``items`` for mappings, ``entries`` for sequences, ``raw`` for scalars as written."""

    line: int
    value: Any = None
    raw: str = ""
    items: dict[str, Node] | None = None
    keys: dict[str, int] = field(default_factory=dict)
    entries: list[Node] | None = None
    size: int = 1
    depth: int = 1
    merges: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """``data``: plain dicts, lists and scalars. ``root``: the same with lines."""

    text: str
    data: Any
    root: Node

    def line(self, path: Path) -> int | None:
        """Line of a key or entry (from 1); of its nearest parent when it is not there."""
        node, line = self.root, self.root.line
        for part in path:
            if node.items is not None and isinstance(part, str) and part in node.items:
                line = node.keys.get(part, node.items[part].line)
                node = node.items[part]
            elif node.entries is not None and isinstance(part, int) and 0 <= part < len(node.entries):
                node = node.entries[part]
                line = node.line
            else:
                break
        return line

    def node(self, path: Path) -> Node | None:
        node: Node | None = self.root
        for part in path:
            if node is None:
                return None
            if node.items is not None:
                node = node.items.get(str(part))
            elif node.entries is not None and isinstance(part, int) and part < len(node.entries):
                node = node.entries[part]
            else:
                return None
        return node

    def text_of(self, path: Path) -> str:
        """A scalar exactly as the author wrote it: ``-99.90`` stays ``-99.90``."""
        node = self.node(path)
        return node.raw if node is not None else ""


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end was not met yet."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_line: int = 0


def parse(text: str, file: str | None = None) -> Document:
    """Read one YAML document. Raises ContractError naming the line."""
    if len(text) > MAX_CHARACTERS:
        raise ContractError(
            f"This contract is {len(text):,} characters long; the limit is {MAX_CHARACTERS:,}.",
            todo="A contract describes a dataset; the data itself belongs into its source.",
            place=Place(file=file),
        )
    try:
        root = _Builder(file).build(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ContractError(
            f"This is not YAML: {error.problem or error.context or 'it cannot be read'}.",
            todo="Check the indentation and the quotes of this line and of the one above.",
            place=Place(file=file, line=mark.line + 1 if mark else None),
        ) from error
    except yaml.YAMLError as error:
        raise ContractError(f"This is not YAML: {error}.", place=Place(file=file)) from error
    return Document(text=text, data=_plain(root), root=root)


class _Builder:
    def __init__(self, file: str | None) -> None:
        self.file = file
        self.anchors: dict[str, Node] = {}
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.documents = 0

    def fail(self, met: str, line: int, todo: str = "") -> ContractError:
        return ContractError(met, todo=todo, place=Place(file=self.file, line=line))

    def build(self, text: str) -> Node:
        for event in yaml.parse(text, Loader=_loader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.ScalarEvent):
                self.scalar(event, line)
            elif isinstance(event, yaml.AliasEvent):
                known = self.anchors.get(event.anchor or "")
                if known is None:
                    raise self.fail(f"The alias *{event.anchor} names nothing above it.", line)
                self.place(known, None, line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self.opened(event, line)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self.closed(line)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise self.fail(
                        "A second document starts here.", line, "Write one contract a file, without '---' inside."
                    )
        if self.root is None:
            raise self.fail("The contract is empty.", 1, "Let 'arengo draft FILE' write a first one.")
        return self.root

    def scalar(self, event: Any, line: int) -> None:
        plain = not event.style and event.implicit[0]  # libyaml says "" where PyYAML says None
        if not plain and event.tag not in _STR_TAGS:
            raise self.fail(f"The tag {event.tag} is not read here.", line, "Write the value without a tag.")
        node = Node(line=line, raw=event.value, value=resolve(event.value) if plain else event.value)
        top = self.stack[-1] if self.stack else None
        if top is not None and top.node.items is not None and top.key is None:
            if event.value in top.node.items:
                first = top.node.keys[event.value]
                raise self.fail(
                    f"The key '{event.value}' is written twice; the first time in line {first}.",
                    line,
                    "Keep one of the two.",
                )
            top.key, top.key_line = event.value, line
            return
        self.place(node, event.anchor, line)

    def opened(self, event: Any, line: int) -> None:
        if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise self.fail(f"The tag {event.tag} is not read here.", line, "Write the value without a tag.")
        top = self.stack[-1] if self.stack else None
        if top is not None and top.node.items is not None and top.key is None:
            raise self.fail("A list or mapping stands where a name is wanted.", line)
        if len(self.stack) >= MAX_DEPTH:
            raise self.fail(f"The contract is nested more than {MAX_DEPTH} levels deep.", line)
        mapping = isinstance(event, yaml.MappingStartEvent)
        node = Node(line=line, items={} if mapping else None, entries=None if mapping else [])
        self.stack.append(_Open(node, event.anchor))

    def closed(self, line: int) -> None:
        done = self.stack.pop()
        node = done.node
        if node.items is not None:
            for other in node.merges:
                for key, value in (other.items or {}).items():
                    if key not in node.items:
                        node.items[key] = value
                        node.keys[key] = other.keys.get(key, value.line)
                        node.size += value.size
        self.place(node, done.anchor, node.line)

    def place(self, node: Node, anchor: str | None, line: int) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        parent = top.node
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        if parent.size > MAX_NODES or len(self.stack) + node.depth > MAX_DEPTH:
            raise self.fail("The aliases of this contract unfold into too much.", line, "Write the values out.")
        if parent.entries is not None:
            parent.entries.append(node)
            return
        assert parent.items is not None
        assert top.key is not None
        key, top.key = top.key, None
        if key == _MERGE and (node.items is not None or node.entries is not None):
            parent.merges.extend([node] if node.items is not None else node.entries or [])
            return
        parent.items[key] = node
        parent.keys[key] = top.key_line


def resolve(text: str) -> Any:
    """The value of a plain scalar: null, true, false, an integer, a number, else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= 400 and text[-1:] in "0123456789.":
        if _INTEGER.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            value = float(text)
            return value if abs(value) != float("inf") else text
    return text


def _plain(node: Node) -> Any:
    """Depth and size were bounded while the tree was built, so recursion is safe here."""
    if node.items is not None:
        return {key: _plain(value) for key, value in node.items.items()}
    if node.entries is not None:
        return [_plain(value) for value in node.entries]
    return node.value


def place_of(document: Document, name: str) -> Path:
    """Where a contract-level property is written; the top of the file when it is not."""
    for place in ((), ("schema", 0)):
        owner: Any = document.data
        for part in place:
            owner = owner[part]
        for number, entry in enumerate(owner.get("customProperties") or ()):
            if entry.get("property") == name:
                return (*place, "customProperties", number)
    return ()
