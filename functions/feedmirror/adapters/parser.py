"""The parser in a sandbox: whatever a document does to it, this process is none the worse."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from time import monotonic
from typing import Any, Self

from feedmirror.adapters.sandbox import Sandbox, SandboxError
from feedmirror.adapters.sandbox_wire import Limits
from feedmirror.adapters.supervisor import SupervisorGoneError
from feedmirror.errors import Kind, ParseError
from feedmirror.model import Fetched, ParsedFeed

# An import of feedparser is worth keeping a worker for, a heap of dead strings is not.
_RETIRE_BYTES = 100_000_000
# An answer has each entry twice, as it came and interpreted, and names of fields besides: many
# times the size of a document of tiny entries. What it takes to read it stays within reason.
_ANSWER_FACTOR = 20
_ANSWER_FLOOR_BYTES = 1_000_000
_ANSWER_CEILING_BYTES = 64_000_000
_ALL_PARTS_S = 120.0  # for the parts of a document, each of which has limits of its own
# What reading a value of the wrong shape can come to.
_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class SupervisedParser:
    """The `Parser` whose work is done in a child process, under limits for each document.

    The child imports the parser at its first document, and does not exist before it. Threads may
    share one; it is at work on one document at a time. A flood of new entries is read in parts,
    between which others have their turn.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    @classmethod
    def start(cls, *, memory_bytes: int | None, cpu_s: float = 10.0, wall_s: float = 20.0) -> Self:
        """A parser, whose supervisor is forked now: call it before there is any thread.

        Raises: RuntimeError if there are threads.
        """
        limits = Limits(memory_bytes, cpu_s, wall_s, _RETIRE_BYTES)
        return cls(Sandbox.start(parse_plainly, limits))

    def parse(self, fetched: Fetched, known: Set[str]) -> ParsedFeed:
        """The feed, with an entry for each item whose fingerprint is not in `known`.

        Raises: ParseError, with `Kind.PARSER` where the document is more than the parser can
            take, and `Kind.BUG` where there is no parser any more.
        """
        begun = monotonic()
        room = _answer_bytes(len(fetched.body))
        parsed, size = self._part(fetched, known, 0, room)
        while (begin := _next_unread(parsed, known)) is not None:
            room -= size
            if monotonic() - begun > _ALL_PARTS_S:
                read = f"{len(parsed.entries)} of the {len(parsed.items)} entries"
                message = f"the parser has read {read} after {_ALL_PARTS_S:g} s"
                raise ParseError(Kind.PARSER, message)
            part, size = self._part(fetched, known, begin, room)
            if not part.lossless:  # it cannot be taken apart after all, so this is all of it
                return part
            if part.items != parsed.items or begin not in part.entries:
                raise self._distrust("another part of the document than it was asked for")
            parsed = replace(parsed, entries={**parsed.entries, **part.entries})
        return parsed

    def _part(
        self, fetched: Fetched, known: Set[str], begin: int, room: int
    ) -> tuple[ParsedFeed, int]:
        """The feed, with entries for a part of its new items, and the size of the answer."""
        header = {
            "url": fetched.url,
            "content_type": fetched.content_type,
            "known": sorted(known),
            "begin": begin,
        }
        try:
            answer = self._sandbox.ask(header, fetched.body, room)
        except SupervisorGoneError as error:
            raise ParseError(Kind.BUG, f"the parser {error}") from error
        except SandboxError as error:
            raise ParseError(Kind.PARSER, f"the parser {error}") from error
        try:
            outcome = _read(answer.said)
        except _NONSENSE as error:
            raise self._distrust(f"{type(error).__name__}: {error}") from error
        if isinstance(outcome, ParseError):
            raise outcome
        return outcome, answer.size

    def _distrust(self, what: str) -> ParseError:
        """The error, after the worker that answered so has been let go."""
        self._sandbox.renew()
        return ParseError(Kind.PARSER, f"the parser answered nonsense: {what}")

    def revive(self) -> None:
        """Has new child processes if the old ones were killed; for a process that lives long.

        Raises: RuntimeError if they are needed and there are threads; OSError if none can be had.
        """
        self._sandbox.revive()

    def close(self) -> None:
        """Ends the child processes."""
        self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def parse_plainly(header: dict[str, Any], body: bytes) -> object:
    """What the worker answers: the feed as plain data, or the kind and words of a ParseError."""
    # Here and not above: the parent, and a poll that finds nothing new, never pay for feedparser.
    from feedmirror.core.codec import parsed_to_plain  # noqa: PLC0415
    from feedmirror.core.parse import parse  # noqa: PLC0415

    fetched = Fetched(header["url"], body, header["content_type"])
    try:
        known, begin = frozenset(header["known"]), header["begin"]
        return {"parsed": parsed_to_plain(parse(fetched, known, begin))}
    except ParseError as error:
        return {"refused": [error.kind.value, str(error)]}


def _next_unread(parsed: ParsedFeed, known: Set[str]) -> int | None:
    """The index of the first new item that has no entry yet."""
    unread = (
        index
        for index, item in enumerate(parsed.items)
        if index not in parsed.entries and item.fingerprint not in known
    )
    return next(unread, None)


def _answer_bytes(document_bytes: int) -> int:
    fair = _ANSWER_FLOOR_BYTES + _ANSWER_FACTOR * document_bytes
    return min(fair, _ANSWER_CEILING_BYTES)


def _read(answer: object) -> ParsedFeed | ParseError:
    """What `parse_plainly` said. Raises: any of `_NONSENSE`, if it is not of that shape."""
    from feedmirror.core.codec import parsed_from_plain  # noqa: PLC0415

    match answer:
        case {"parsed": dict(plain)}:
            return parsed_from_plain(plain)
        case {"refused": [str(kind), str(message)]}:
            return ParseError(Kind(kind), message)
        case _:
            raise ValueError("neither a feed nor a refusal")
