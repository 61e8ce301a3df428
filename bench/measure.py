"""Servers, load and what both cost, read from /proc. CPU per request is the figure that survives a busy machine.

CPU is counted over the server's whole process group, with PostgreSQL's own processes added for peers that read it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.works import Call

TICK = os.sysconf("SC_CLK_TCK")


def group(leader: int) -> set[int]:
    """Process ids of the group that ``leader`` leads."""
    out = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.getpgid(int(name)) == leader:
                    out.add(int(name))
    return out


def memory(leader: int, key: str = "Rss") -> float:
    """MB of a process group. ``Rss`` now, ``Pss`` with shared pages counted once, ``VmHWM`` the highest ever."""
    total = 0
    for process in group(leader):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process}/{'status' if key == 'VmHWM' else 'smaps_rollup'}").read_text()
            found = re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE)
            total += int(found[1]) if found else 0
    return round(total / 1024, 1)


def cpu(leader: int, postmaster: int | None = None) -> float:
    """CPU seconds so far of a process group, and of PostgreSQL when its first process is given."""
    members = group(leader)
    total = 0.0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = Path(f"/proc/{name}/stat").read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2 :].split()
        if int(name) in members or (postmaster is not None and int(fields[1]) == postmaster):
            total += (int(fields[11]) + int(fields[12])) / TICK
        if postmaster is not None and int(name) == postmaster:
            total += sum(int(field) for field in fields[11:15]) / TICK  # with the workers it has reaped
    return total


class Peak(threading.Thread):
    """Highest memory of a process group while it lives, sampled."""

    def __init__(self, leader: int, every: float = 0.1, key: str = "Rss") -> None:
        super().__init__(daemon=True)
        self._leader, self._every, self._key, self._on, self.mb = leader, every, key, True, 0.0
        self.start()

    def run(self) -> None:
        while self._on:
            self.mb = max(self.mb, memory(self._leader, self._key))
            time.sleep(self._every)

    def stop(self) -> float:
        self._on = False
        self.join()
        return self.mb


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> dict[str, float]:
    """Run a command to its end: wall and CPU seconds, peak MB of the process group. Its output must not matter."""
    log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process that writes it)
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, **(env or {})}, cwd=cwd
    )
    peak = Peak(process.pid, 0.05, "VmHWM")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = process.wait()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    sampled = peak.stop()
    if code != 0:
        log.seek(0)
        tail = log.read()[-2000:].decode("utf-8", "replace")
        raise RuntimeError(f"{command[0]} ended with {code}:\n{tail}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 2), "cpu_s": round(seconds, 2), "peak_mb": sampled}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(url: str, call: Call | None = None, timeout: float = 120) -> tuple[int, bytes, Mapping[str, str]]:
    body = call.body.encode() if call and call.body else None
    request = urllib.request.Request(url, data=body, headers={"Accept": "*/*"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)
    except OSError as error:
        return 0, repr(error).encode(), {}


def counted(body: bytes) -> int | None:
    """Rows of an answer, whatever its product calls them."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if isinstance(value, dict):
        for name in ("features", "rows", "items", "data"):
            if isinstance(value.get(name), list):
                return len(value[name])
        return None
    return len(value)


@dataclass(slots=True)
class Server:
    """A started product. ``dialect``: whose words of :mod:`bench.works` it speaks."""

    name: str
    dialect: str
    process: subprocess.Popen[bytes]
    base: str
    postmaster: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def cpu(self) -> float:
        return cpu(self.process.pid, self.postmaster)

    def stop(self) -> None:
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, kind)
                self.process.wait(10)
                return
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                return


def start(
    name: str,
    dialect: str,
    command: Sequence[str],
    port: int,
    ready: str,
    *,
    folder: Path,
    env: Mapping[str, str] | None = None,
    postmaster: int | None = None,
    limit: float = 600,
) -> Server:
    """Start a server, wait for its first 200 at ``ready``, then note its memory after two idle seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    log = (folder / f"{name}.log").open("wb")
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, **(env or {})}, cwd=folder
    )
    server = Server(name, dialect, process, f"http://127.0.0.1:{port}", postmaster)
    while True:
        status, body, _ = fetch(server.base + ready, timeout=60)
        if status == 200:
            break
        if process.poll() is not None or time.perf_counter() - begin > limit:
            server.stop()
            raise RuntimeError(f"{name} did not start ({status} {body[:200]!r}); see {log.name}")
        time.sleep(0.01)
    server.facts["start_s"] = round(time.perf_counter() - begin, 2)
    server.facts["start_cpu_s"] = round(cpu(process.pid), 2)
    time.sleep(2)
    server.facts["idle_rss_mb"] = memory(process.pid)
    server.facts["idle_pss_mb"] = memory(process.pid, "Pss")
    return server


@dataclass(frozen=True, slots=True)
class Load:
    """One burst of requests: how many, in how many seconds, latencies in ms, answers that were errors."""

    requests: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    errors: int
    cpu_s: float = 0.0


def burst(server: Server, calls: Sequence[Call], seconds: float, headers: Mapping[str, str] | None = None) -> Load:
    """Four connections, one after another through ``calls``, for ``seconds``."""
    before = server.cpu()
    if shutil.which("wrk"):
        found = _wrk(server.base, calls, seconds, headers or {})
    else:
        found = asyncio.run(_client(server.base, calls, seconds, headers or {}))
    return dataclasses.replace(found, cpu_s=server.cpu() - before)


def _lua(calls: Sequence[Call], headers: Mapping[str, str]) -> str:
    def text(value: str) -> str:
        return json.dumps(value, ensure_ascii=False)

    paths = ",".join(text(call.path) for call in calls)
    bodies = ",".join(text(call.body) for call in calls if call.body)
    extra = "".join(f"wrk.headers[{text(name)}]={text(value)}\n" for name, value in headers.items())
    return (
        f"{extra}local p={{{paths}}}\nlocal b={{{bodies}}}\nlocal i=0\n"
        "request=function() i=i+1; local k=(i-1)%#p+1\n"
        " if #b>0 then return wrk.format('POST',p[k],nil,b[k]) end\n return wrk.format('GET',p[k]) end\n"
        "done=function(s,l,r) io.write(string.format('RES %d %d %d %d %d %d\\n',s.requests,s.duration,s.bytes,"
        "l:percentile(50),l:percentile(99),s.errors.status+s.errors.timeout+s.errors.read)) end\n"
    )


def _wrk(base: str, calls: Sequence[Call], seconds: float, headers: Mapping[str, str]) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write(_lua(calls, headers))
        script.flush()
        command = ["wrk", "-t1", "-c4", f"-d{max(1, round(seconds))}s", "--timeout", "60s", "-s", script.name, base]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"RES (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", out)
    if not found:
        raise RuntimeError(f"wrk said:\n{out}")
    count, micros, size, p50, p99, errors = (int(value) for value in found.groups())
    return Load(count, micros / 1e6, size, p50 / 1e3, p99 / 1e3, errors)


async def _client(base: str, calls: Sequence[Call], seconds: float, headers: Mapping[str, str]) -> Load:
    """A small keep-alive client for machines without wrk. Slower than wrk, so rates are lower bounds."""
    where = urlsplit(base)
    turn = iter(range(10**12))
    times: list[float] = []
    totals = {"bytes": 0, "errors": 0}
    stop = time.perf_counter() + seconds

    async def connection() -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        while (begin := time.perf_counter()) < stop:
            call = calls[next(turn) % len(calls)]
            lines = [f"{'POST' if call.body else 'GET'} {call.path} HTTP/1.1", f"Host: {where.netloc}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            body = call.body.encode()
            lines += [f"Content-Length: {len(body)}"] if body else []
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            status, size = await _answer(reader)
            times.append(time.perf_counter() - begin)
            totals["bytes"] += size
            totals["errors"] += status >= 400
        writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(4)))
    times.sort()
    p50, p99 = (times[min(len(times) - 1, int(len(times) * share))] * 1e3 for share in (0.5, 0.99))
    return Load(len(times), time.perf_counter() - begin, totals["bytes"], p50, p99, totals["errors"])


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    length = re.search(r"content-length: (\d+)", head)
    if length:
        await reader.readexactly(int(length[1]))
        return status, int(length[1])
    size = 0
    if "transfer-encoding: chunked" in head:
        while chunk := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(chunk + 2)
            size += chunk
        await reader.readline()
    return status, size


def download(server: Server, call: Call, limit: float = 280) -> dict[str, Any]:
    """One whole answer, thrown away as it comes: MB/s, CPU, first byte, lines, peak memory of the server."""
    peak, before, begin = Peak(server.process.pid), server.cpu(), time.perf_counter()
    size = lines = 0
    first, last = None, b""
    cut = False
    with urllib.request.urlopen(server.base + call.path, timeout=limit) as answer:
        while block := answer.read(1 << 18):
            first = first if first is not None else time.perf_counter() - begin
            size += len(block)
            lines += block.count(b"\n")
            last = block[-1:]
            if time.perf_counter() - begin > limit:
                cut = True
                break
    seconds = time.perf_counter() - begin
    lines += last not in (b"\n", b"")
    return {
        "mb": round(size / 1e6, 1), "s": round(seconds, 2), "mb_s": round(size / 1e6 / seconds, 1), "lines": lines,
        "first_byte_s": round(first or 0, 3), "cpu_s": round(server.cpu() - before, 2), "peak_rss_mb": peak.stop(),
        "cut": cut,
    }  # fmt: skip


def median(values: Iterator[float] | Sequence[float]) -> float:
    return round(statistics.median(list(values)), 3)
