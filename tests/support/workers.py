"""Worker processes of tests, which do something else than to parse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedmirror.adapters.parser import WorkerParser
from feedmirror.adapters.parser_process import Answer, Limits, ParserProcess

_PROGRAM = """
import json, sys
sys.path[:], *given = json.loads(sys.argv[1])
from feedmirror.adapters.parser_worker import parse_request, serve_requests
{source}
serve_requests(work, *given)
"""
PARSE = "work = parse_request"
# As in earnest, but for the wall clock: tests run on busy machines.
LIMITS = Limits(memory_bytes=500_000_000, cpu_s=10, wall_s=60, retire_bytes=100_000_000)


def program(source: str) -> str:
    """The program of a worker that does the `work` which the source of a module defines."""
    return _PROGRAM.format(source=source)


def process(source: str, limits: Limits = LIMITS) -> ParserProcess:
    """A process for such work, without a variable of the environment."""
    return ParserProcess(limits, {}, program(source))


def parser(source: str = PARSE, limits: Limits = LIMITS) -> WorkerParser:
    """A parser whose worker does such work."""
    return WorkerParser(process(source, limits))


asked: list[tuple[int, int | None]] = []  # where each part that a listening parser wanted lies


class _Listening(ParserProcess):
    def ask(self, header: Mapping[str, Any], body: bytes, answer_bytes: int) -> Answer:
        asked.append((header["begin"], header["end"]))
        return super().ask(header, body, answer_bytes)


def listening(source: str, limits: Limits = LIMITS) -> WorkerParser:
    """As `parser`, which notes in `asked` the parts that it is asked for."""
    asked.clear()
    return WorkerParser(_Listening(limits, {}, program(source)))
