"""The parser: documents and stored entries are read by a worker process, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from time import monotonic
from typing import Any, Self

from msgspec import json
from msgspec.structs import replace

from feedmirror.adapters.parser_messages import Parsed, Refused
from feedmirror.adapters.parser_process import (
    COMPLAINT_CHARS,
    Answer,
    Limits,
    NoWorkerError,
    ParserProcess,
    WorkerError,
)
from feedmirror.errors import Kind, ParseError
from feedmirror.mirror.codec import decode
from feedmirror.model import Entry, Fetched, ParsedFeed
from feedmirror.parsing.split import Part
from feedmirror.ports import Located

# An import of feedparser is worth keeping a worker for, a heap of dead strings is not.
_RETIRE_BYTES = 100_000_000
# An answer has each entry twice, as it came and interpreted, and names of fields besides: many
# times the size of a document of tiny entries. What it takes to read it stays within reason.
_ANSWER_FACTOR = 20
_ANSWER_FLOOR_BYTES = 1_000_000
_ANSWER_CEILING_BYTES = 64_000_000
_ALL_PARTS_S = 120.0  # for the parts of a document, each of which has limits of its own
# Of one document. What uses up the CPU time of a part does so twice: six of that sort fill the
# above.
_MOST_UNREADABLE = 10
_NOTHING = Part(0, 0)  # but what items there are


class _PartError(Exception):
    """A part was not read, since it, or something in it, is more than the parser can take."""

    def __init__(self, error: ParseError, reached: int, *, is_too_long: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.reached = reached  # index of the item that work had begun on; less than 0: of none
        self.is_too_long = is_too_long  # whether it is the answer that there was no room for


class WorkerParser:
    """The `Parser` and `Rereader` whose work is done in a worker process, under limits for each
    document.

    Threads may share one; the worker reads one document at a time. A flood of new entries is read
    in parts, between which others have their turn. A part that the worker cannot take is divided
    until the item is found that is too much; the others are read.
    """

    def __init__(self, process: ParserProcess) -> None:
        self._process = process

    @classmethod
    def with_limits(
        cls,
        variables: Mapping[str, str],
        *,
        memory_bytes: int | None,
        cpu_s: float = 10.0,
        wall_s: float = 20.0,
    ) -> Self:
        """Return a parser; its worker is started at the first document.

        `variables` is the environment of this process, which the worker gets next to nothing of.
        """
        return cls(ParserProcess(Limits(memory_bytes, cpu_s, wall_s, _RETIRE_BYTES), variables))

    def parse(self, fetched: Fetched, known: Set[str]) -> ParsedFeed:
        """Return the feed, with an entry for each item whose fingerprint is not in `known`, or in
        `unreadable` the reason why there is none.

        Raises: ParseError, with `Kind.PARSER` where the document, or more than a few of its items,
            are more than the parser can take, and `Kind.BUG` where no worker can be started.
        """
        deadline = monotonic() + _ALL_PARTS_S
        room = whole_room = _answer_bytes(len(fetched.body))
        reading = PartialReading(known)
        while (part := reading.next()) is not None:
            if reading.parsed is not None and monotonic() > deadline:
                raise reading.given_up(f"after {_ALL_PARTS_S:g} s")
            try:
                read, size = self._part(fetched, known, part, room)
                reading.found(part, read)
                room -= size
            except _PartError as failure:
                if reading.parsed is None:
                    reading.found(_NOTHING, self._items(fetched, known, failure))
                # What is left of the room is not enough for an item that could have it all.
                elif failure.is_too_long and reading.is_single(part) and 2 * room < whole_room:
                    raise failure.error from failure
                reading.failed(part, str(failure), failure.reached)
                if reading.unreadable > _MOST_UNREADABLE:
                    raise reading.given_up("and gives up") from failure
            except ValueError as error:
                raise self._distrust(str(error)) from error
        assert reading.parsed is not None  # noqa: S101 - there is a next part until it is known
        return reading.parsed

    def _items(self, fetched: Fetched, known: Set[str], failure: _PartError) -> ParsedFeed:
        """The feed without an entry, to learn what items there are after the first part has failed.

        Raises: ParseError, the failure's own if this fails too.
        """
        try:
            return self._part(fetched, known, _NOTHING, _answer_bytes(len(fetched.body)))[0]
        except _PartError:
            raise failure.error from failure

    def _part(
        self, fetched: Fetched, known: Set[str], part: Part, room: int
    ) -> tuple[ParsedFeed, int]:
        """The feed, with entries for a part of its new items, and the size of the answer.

        Raises: _PartError, and ParseError for what is not the fault of any one item.
        """
        answer = self._ask(request_header(fetched, known, part), fetched.body, room)
        try:
            outcome = _read(answer.said)
        except ValueError as error:
            raise self._distrust(str(error)) from error
        if isinstance(outcome, ParseError):
            if outcome.kind is Kind.PARSER:
                raise _PartError(outcome, answer.reached)
            raise outcome
        return outcome, len(answer.said)

    def _ask(self, header: Mapping[str, Any], body: bytes, room: int) -> Answer:
        """Return the worker's answer. Raises: _PartError; ParseError BUG if there is no worker."""
        try:
            return self._process.ask(header, body, room)
        except NoWorkerError as error:
            raise ParseError(Kind.BUG, f"the parser {error}") from error
        except WorkerError as error:
            failure = ParseError(Kind.PARSER, f"the parser {error}")
            raise _PartError(failure, error.reached, is_too_long=error.is_too_long) from error

    def reread(self, stored: Sequence[Located]) -> list[Entry | str]:
        """Return each entry as this version reads it, or a sentence why that cannot be done.

        Raises: ParseError BUG if no worker can be started.
        """
        try:
            return self._reread(stored)
        except _PartError as failure:
            if len(stored) == 1:
                return [str(failure)]
            reached, count = failure.reached, len(stored)
        # What comes before the entry is not blamed on it, nor is it on what comes before.
        at = reached if 0 <= reached < count else count // 2
        parts = (stored[:at], stored[at : at + 1], stored[at + 1 :])
        return [one for part in parts if part for one in self.reread(part)]

    def _reread(self, stored: Sequence[Located]) -> list[Entry | str]:
        """As `reread`, of entries of which none is more than the worker can take.

        Raises: _PartError otherwise; ParseError BUG.
        """
        body = json.encode(stored)
        answer = self._ask({"reread": True}, body, _answer_bytes(len(body)))
        try:
            return _reread_of(answer.said, stored)
        except ValueError as error:
            failure = self._distrust(str(error))
            raise _PartError(failure, answer.reached) from error

    def _distrust(self, what: str) -> ParseError:
        """The error, after the worker that answered so has been let go."""
        self._process.stop()
        return ParseError(Kind.PARSER, f"the parser answered nonsense: {what}")

    def close(self) -> None:
        """End the worker."""
        self._process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def request_header(fetched: Fetched, known: Set[str], part: Part) -> dict[str, Any]:
    """Return the header of a request for the items of a part that are not in `known`."""
    return {
        "url": fetched.url,
        "content_type": fetched.content_type,
        "known": sorted(known),
        "begin": part.begin,
        "end": part.end,
    }


def _reread_of(answer: bytearray, stored: Sequence[Located]) -> list[Entry | str]:
    """Read what the worker said. Raises: ValueError if it is something else."""
    return [
        made[:COMPLAINT_CHARS]
        if isinstance(made, str)
        # Of what is stored nothing is believed of the worker's.
        else replace(made, original=before.original, context=before.context)
        for made, (_, before) in zip(decode(answer, list[Entry | str]), stored, strict=True)
    ]


def _answer_bytes(document_bytes: int) -> int:
    fair = _ANSWER_FLOOR_BYTES + _ANSWER_FACTOR * document_bytes
    return min(fair, _ANSWER_CEILING_BYTES)


def _read(answer: bytearray) -> ParsedFeed | ParseError:
    """Read what the worker said. Raises: ValueError if it is something else."""
    said: Parsed | Refused = decode(answer, Parsed | Refused)
    return ParseError(said.kind, said.message) if isinstance(said, Refused) else said.whole()


class PartialReading:
    """The entries of a document that have been read, and the items that are left.

    A part that fails is divided at the item that the parser was at, and in the middle of what
    comes before it, as many small items may be too much together. An item that fails alone is
    unreadable.
    """

    def __init__(self, known: Set[str]) -> None:
        self.parsed: ParsedFeed | None = None  # None: not even the items are known
        self._known = known
        self._left: list[int] = []  # indices of items with neither an entry nor a reason
        self._ends: list[int] = []  # that the next parts must not go beyond, the first one last
        self._is_careful = False  # whether a part has failed

    def next(self) -> Part | None:
        """Return the part to ask for, None if all has been read."""
        if self.parsed is None:
            return Part(0)
        if not self._left:
            return None
        begin = self._left[0]
        while self._ends and self._ends[-1] <= begin:
            self._ends.pop()
        if self._ends:
            return Part(begin, self._ends[-1])
        return Part(begin, len(self.parsed.items) if self._is_careful else None)

    def found(self, part: Part, read: ParsedFeed) -> None:
        """Take in what was read of a part. Raises: ValueError if that is of another part."""
        if self.parsed is None or (part.end is None and not read.lossless):
            self.parsed = read  # a document that cannot be taken apart after all comes whole
        else:
            self.parsed = _joined(self.parsed, part, read)
        self._count()

    def failed(self, part: Part, why: str, reached: int) -> None:
        """Divide a part that the parser cannot take. The items must be known by now.

        `why` is a sentence, `reached` the index of the item that work had begun on; any other
        number if that is unknown.
        """
        assert self.parsed is not None  # noqa: S101 - see above
        self._is_careful = True
        within = [index for index in self._left if part.end is None or index < part.end]
        if len(within) == 1:
            unreadable = {**self.parsed.unreadable, within[0]: why}
            self.parsed = replace(self.parsed, unreadable=unreadable)
            self._count()
            return
        at = within.index(reached) if reached in within else len(within) - 1
        ends = (within[at] + 1, within[at], within[at // 2])
        self._ends += (end for end in ends if end > within[0])

    def is_single(self, part: Part) -> bool:
        """True if there is but one item left in the part."""
        return len([index for index in self._left if part.end is None or index < part.end]) == 1

    @property
    def unreadable(self) -> int:
        """Number of items that cannot be read, so far."""
        return len(self.parsed.unreadable) if self.parsed else 0

    def given_up(self, when: str) -> ParseError:
        """Return the error that says how far the parser came."""
        assert self.parsed is not None  # noqa: S101 - before that there is another error
        items, unreadable = len(self.parsed.items), self.parsed.unreadable
        told = f"the parser has read {len(self.parsed.entries)} of the {items} entries {when}"
        if unreadable:
            told += f"; {len(unreadable)} cannot be read, the first because "
            told += next(iter(unreadable.values()))
        return ParseError(Kind.PARSER, told)

    def _count(self) -> None:
        assert self.parsed is not None  # noqa: S101 - called when it is set
        entries, unreadable = self.parsed.entries, self.parsed.unreadable
        self._left = [
            index
            for index, item in enumerate(self.parsed.items)
            if not (index in entries or index in unreadable or item.fingerprint in self._known)
        ]


def _joined(parsed: ParsedFeed, part: Part, read: ParsedFeed) -> ParsedFeed:
    """Return what has been read, a part included. Raises: ValueError."""
    items = parsed.items
    if not read.lossless and len(read.items) == len(items):
        # The lenient parser tells items by their entries where they have one.
        pairs = enumerate(zip(read.items, items, strict=True))
        items = tuple(new if index in read.entries else old for index, (new, old) in pairs)
    has_begin = part.begin in read.entries or part.begin in read.unreadable
    same = read.items == items if read.lossless else len(read.items) == len(items)
    if read.lossless != parsed.lossless or not same or not has_begin:
        raise ValueError("another part of the document than it was asked for")
    return replace(
        parsed,
        items=items,
        entries={**parsed.entries, **read.entries},
        unreadable={**parsed.unreadable, **read.unreadable},
    )
