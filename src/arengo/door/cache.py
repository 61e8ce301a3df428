"""Finished answers in bounded memory. No timeout: a key holds everything an answer depends on."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Sized)


@dataclass(slots=True)
class Counters:
    hits: int = 0
    misses: int = 0
    evicted: int = 0


class Cache(Generic[T]):
    """Least recently used out first. One value may take a quarter of ``limit`` bytes at most."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[bytes, T] = OrderedDict()
        self._guard = threading.Lock()
        self.bytes = 0
        self.counters = Counters()

    def get(self, key: bytes) -> T | None:
        with self._guard:
            found = self._held.get(key)
            if found is None:
                self.counters.misses += 1
                return None
            self._held.move_to_end(key)
            self.counters.hits += 1
            return found

    def put(self, key: bytes, value: T) -> None:
        size = value.size + len(key) + 200
        if size * 4 > self._limit:
            return
        with self._guard:
            old = self._held.pop(key, None)
            if old is not None:
                self.bytes -= old.size + len(key) + 200
            self._held[key] = value
            self.bytes += size
            while self.bytes > self._limit:
                gone, out = self._held.popitem(last=False)
                self.bytes -= out.size + len(gone) + 200
                self.counters.evicted += 1

    def __len__(self) -> int:
        return len(self._held)
