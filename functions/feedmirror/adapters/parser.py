"""The parser in a sandbox: whatever a document does to it, this process is none the worse."""

from __future__ import annotations

from collections.abc import Set
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
# What reading a value of the wrong shape can come to.
_NONSENSE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class SupervisedParser:
    """The `Parser` whose work is done in a child process, under limits for each document.

    The child imports the parser at its first document, and does not exist before it. Threads may
    share one; their documents are parsed one after the other.
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
        header = {
            "url": fetched.url,
            "content_type": fetched.content_type,
            "known": sorted(known),
        }
        try:
            answer = self._sandbox.ask(header, fetched.body, _answer_bytes(len(fetched.body)))
        except SupervisorGoneError as error:
            raise ParseError(Kind.BUG, f"the parser {error}") from error
        except SandboxError as error:
            raise ParseError(Kind.PARSER, f"the parser {error}") from error
        try:
            outcome = _read(answer)
        except _NONSENSE as error:
            self._sandbox.renew()
            message = f"the parser answered nonsense: {type(error).__name__}: {error}"
            raise ParseError(Kind.PARSER, message) from error
        if isinstance(outcome, ParseError):
            raise outcome
        return outcome

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
        return {"parsed": parsed_to_plain(parse(fetched, frozenset(header["known"])))}
    except ParseError as error:
        return {"refused": [error.kind.value, str(error)]}


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
