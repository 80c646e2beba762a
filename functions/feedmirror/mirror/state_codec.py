"""JSON of a feed's state, as it is stored in `state/SLUG.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

from msgspec.structs import asdict, astuple

from feedmirror.errors import StateError
from feedmirror.mirror import codec
from feedmirror.mirror.archive import ArchivePage, ArchiveSummary, EntryLink
from feedmirror.mirror.flapping import Changes
from feedmirror.mirror.gone import Sightings
from feedmirror.mirror.retention import KnownEntries, KnownEntry
from feedmirror.mirror.schedule import Asks
from feedmirror.mirror.state import Address, Failing, Fragments, Published, Quarantine, State
from feedmirror.mirror.tasks import PublishDocuments, StoreEntry, Task, WriteArchivePage
from feedmirror.mirror.window import Window

SCHEMA = 1  # raise it when older programs could misread a state
_WINDOW = b'","window":'  # behind the digest; what else is called so follows no string
_PLAIN = frozenset("generation url parser_version complete next_seq moved_to".split())
_DATES = frozenset("requested_at dated changed_at checked_at not_before".split())
_FIELDS = State.__struct_fields__
_EMPTY = State()


def dump(state: State) -> bytes:
    """Render the state as JSON; equal states give equal bytes.

    The window comes last, after its digest, so that `load` need not decode its entries.
    """
    body = BytesIO()  # entries are added one by one, so that few are in memory twice
    body.write(b'{"schema":%d' % SCHEMA)
    for name in _FIELDS:
        value = getattr(state, name)
        if name != "window" and value != getattr(_EMPTY, name):
            body.write(b',"%b":' % name.encode())
            body.writelines(_pieces(name, value))
    body.write(b',"window_digest":"%b' % state.window.digest.encode())
    body.writelines((_WINDOW, state.window.data, b"}"))
    return body.getvalue()


def _pieces(name: str, value: Any) -> Iterator[bytes]:
    """Yield the value of a field as JSON, in pieces."""
    if name not in _LARGE:
        yield json.dumps(_plain(name, value), ensure_ascii=False, separators=(",", ":")).encode()
        return
    for number, one in enumerate(value):
        yield b"," if number else b"["
        yield codec.to_json(_LARGE[name](one))
    yield b"]"


def _plain(name: str, value: Any) -> Any:
    if name == "feed" or name in _DATES:
        return codec.to_plain(value)
    if name in _WRITERS:
        return _WRITERS[name](value)
    if name == "documents":
        return {key: _slots(item) for key, item in value.items()}
    return value  # JSON writes tuples and mappings as they are


def _plain_task(task: Task) -> dict[str, Any]:
    if isinstance(task, StoreEntry):
        return {"store": codec.to_plain(task.revision)}
    if isinstance(task, WriteArchivePage):
        revisions = codec.to_plain(task.page.revisions)
        return {"archive": {**_noted(task.page, "follows"), "revisions": revisions}}
    return {"publish": True}


def _slots(value: Any) -> dict[str, Any]:
    return {name: held for name, held in asdict(value).items() if held is not None}


def _noted(value: Any, name: str) -> dict[str, Any]:
    """As `_slots`, with the named field as plain data too."""
    noted = getattr(value, name)
    return _slots(value) | ({name: _slots(noted)} if noted else {})


def _plain_failing(failing: Failing) -> dict[str, Any]:
    return {**_slots(failing), "since": failing.since.isoformat()}


def _plain_sightings(sightings: Sightings) -> dict[str, Any]:
    return {"days": sightings.days, "last": sightings.last.isoformat()}


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "addresses": lambda by_url: {url: _noted(one, "changes") for url, one in by_url.items()},
    "flapping": lambda by_name: {name: list(astuple(one)) for name, one in by_name.items()},
    "asks": _slots,
    "fragments": _slots,
    "failing": _plain_failing,
    "fault": _plain_failing,
    "gone": lambda by_url: {url: _plain_sightings(one) for url, one in by_url.items()},
    "quarantined": lambda by_key: {key: _slots(one) for key, one in by_key.items()},
    "archive_summary": lambda summary: _noted(summary, "newest"),
}
# Fields whose items are encoded one by one, being large; never empty, since that is the default.
_LARGE: dict[str, Callable[[Any], Any]] = {"tasks": _plain_task}


def load(body: bytes, where: str) -> State:
    """Parse what `dump` wrote. `where` is the key of the object, for error messages.

    The entries of the window are compared with their digest, and decoded only when they are used.
    Raises: StateError if the state is damaged, or was written by a newer version.
    """
    try:
        # Only this separator matches: within a string of JSON, quotes are escaped.
        head, mark, window = body.partition(_WINDOW)
        plain = codec.from_json(head + b'"}' if mark else body)
        schema = codec.whole(plain.pop("schema"))
        if schema > SCHEMA:
            raise StateError(
                f"{where} was written by a newer feedmirror (schema {schema}, this one knows "
                f"{SCHEMA}): update feedmirror; nothing was changed"
            )
        if schema < SCHEMA:
            raise ValueError(f"the schema {schema} is unknown")
        return _state(plain, Window(window[:-1]))
    except codec.UNREADABLE as error:
        raise StateError(
            f"{where} is damaged ({type(error).__name__}: {error}): nothing was "
            "changed; `feedmirror rebuild` makes it anew from the stored entries"
        ) from error


def _state(plain: dict[str, Any], window: Window) -> State:
    """Return the state with these fields and this window. Raises: as `codec.UNREADABLE`."""
    if plain.pop("window_digest") != window.digest:
        raise ValueError("the window does not match its digest")
    values: dict[str, Any] = {name: plain[name] for name in _PLAIN & plain.keys()}
    for name in _DATES & plain.keys():
        values[name] = codec.read_moment(plain[name])
    for name, parse in _PARSERS.items():
        if name in plain:
            values[name] = parse(plain[name])
    state = codec.build(State, {**values, "window": window})
    if state.feed is None and (state.pending_entries or window != Window()):
        raise ValueError("entries without a feed")
    return state


def _failing(plain: dict[str, Any]) -> Failing:
    return codec.build(Failing, {**plain, "since": codec.read_moment(plain["since"])})


def _sightings(plain: dict[str, Any]) -> Sightings:
    return codec.build(Sightings, {**plain, "last": codec.read_moment(plain["last"])})


def _quarantine(plain: dict[str, Any]) -> Quarantine:
    return codec.build(Quarantine, {**plain, "documents": codec.listed(plain["documents"], str)})


def _asks(plain: dict[str, Any]) -> Asks:
    hours, days = codec.listed(plain["skip_hours"], int), codec.listed(plain["skip_days"], str)
    return codec.build(Asks, {**plain, "skip_hours": hours, "skip_days": days})


def _moving(plain: list[Any]) -> tuple[str, int]:
    target, count = plain
    return codec.string(target), codec.whole(count)


def _known_entries(plain: dict[str, Any]) -> KnownEntries:
    known_entries = {}
    for key, (digest, at, particulars, dated, record) in plain.items():
        codec.string(digest), codec.whole(at), codec.string(particulars), codec.string(record)
        if dated is not None and type(dated) is not int:
            raise TypeError("a date must be an integer")
        known_entries[key] = KnownEntry(digest, at, particulars, dated, record)
    moments = [
        moment for entry in known_entries.values() for moment in (entry.at, entry.dated or 0)
    ]
    for moment in (min(moments, default=0), max(moments, default=0)):
        datetime.fromtimestamp(moment, UTC)  # raises if it is out of range
    return known_entries


def _fragments(plain: dict[str, Any]) -> Fragments:
    lengths = {name: codec.listed(one, int) for name, one in plain["lengths"].items()}
    return Fragments(codec.listed(plain["marks"], str), lengths)


def _archive_summary(plain: dict[str, Any]) -> ArchiveSummary:
    months = {
        f"{date.fromisoformat(f'{month}-01'):%Y-%m}": (codec.whole(count), codec.string(page))
        for month, (count, page) in plain["months"].items()
    }
    return codec.build(ArchiveSummary, _named(plain, "newest") | {"months": months})


def _task(plain: dict[str, Any]) -> Task:
    [(kind, value)] = plain.items()
    if kind == "store":
        return StoreEntry(codec.revision(value))
    if kind == "archive":
        return WriteArchivePage(_page(value))
    if kind == "publish":
        return PublishDocuments()
    raise ValueError(f"unknown task {kind!r}")


def _page(plain: dict[str, Any]) -> ArchivePage:
    values = {
        "older": None,
        "follows": None,
        **_named(plain, "follows"),
        "revisions": tuple(map(codec.revision, plain["revisions"])),
    }
    return codec.build(ArchivePage, values)


def _named(plain: dict[str, Any], name: str) -> dict[str, Any]:
    return {**plain, name: codec.build(EntryLink, plain[name])} if name in plain else plain


def _address(plain: dict[str, Any]) -> Address:
    changes = codec.build(Changes, plain["changes"]) if "changes" in plain else None
    return codec.build(Address, {**plain, "changes": changes})


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "feed": codec.read_feed,
    "failing": _failing,
    "fault": _failing,
    "gone": lambda plain: {url: _sightings(one) for url, one in plain.items()},
    "quarantined": lambda plain: {key: _quarantine(one) for key, one in plain.items()},
    "asks": _asks,
    "moving": _moving,
    "known_entries": _known_entries,
    "addresses": lambda plain: {url: _address(one) for url, one in plain.items()},
    "ambiguous": lambda plain: codec.listed(plain, str),
    "fingerprints": lambda plain: {item: codec.string(key) for item, key in plain.items()},
    "flapping": lambda plain: {
        name: Changes(*map(codec.whole, changes)) for name, changes in plain.items()
    },
    "fragments": _fragments,
    "documents": lambda plain: {name: codec.build(Published, one) for name, one in plain.items()},
    "archive_summary": _archive_summary,
    "tasks": lambda plain: tuple(map(_task, plain)),
}
