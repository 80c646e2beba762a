"""CPU times of the built function under Lambda's runtime, warm and cold, for the bill."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from types import MappingProxyType

from artifact import HANDLER, build_function, have_lambda
from boto3.session import Session
from measure import ProgramFailed
from origin import Origin
from runtime import Function
from s3 import BUCKET, CREDENTIALS, S3
from stage import PUBLIC_URL, batch, eager_feed

from feedmirror.adapters.stores.s3 import S3Store
from feedmirror.mirror.feed_index import IndexedFeed
from feedmirror.publishing.formats import formats
from feedmirror.storage.feed_index import survey_feeds

FEEDS = 10  # of a message: so many have work to do at most
_STARTS = 5
_UNCHANGED = 20
_DELAY_S = 0.4  # of an origin's answer
_NEW = 20  # so many versions fill the window; the latter half counts


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds of the function and of all that it started."""

    init_s: float
    invocation_s: float  # besides its feeds
    unchanged_s: float  # a feed
    new_s: float  # a feed with one new entry
    waits_s: float = 0.0  # for moto and the origin, in a batch of ten unchanged feeds
    overlap: float = 0.0  # of such a batch's own time, that passes while it waits for origins


def measure_cpu(code: Path | None) -> Cpu:
    """The medians, over a build that is made now if there is none. Raises: ProgramFailed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="feedmirror-bench-")))
        _write_documents(folder / "documents")
        origin = stack.enter_context(Origin(folder / "documents"))
        s3 = stack.enter_context(S3())
        tables = (
            f'[feeds.{slug}]\nurl = "{origin.url(slug)}"\nallow_private_hosts = true\n'
            for slug in _slugs()
        )
        (folder / "feeds.toml").write_text("".join(tables))
        variables = {
            **s3.env,
            "FEEDMIRROR_STORE": f"s3://{BUCKET}",
            "FEEDMIRROR_PUBLIC_URL": PUBLIC_URL,
            "FEEDMIRROR_CONFIG": str(folder / "feeds.toml"),
        }
        lambda_, built = have_lambda(folder), code or build_function(folder)

        def start() -> Function:
            return Function(lambda_, built, HANDLER, variables, folder)

        return _measure(start, origin, s3)


def _slugs() -> list[str]:
    return [f"news-{number}" for number in range(FEEDS)]


def _write_documents(folder: Path) -> None:
    for version in range(_NEW + 1):
        (folder / str(version)).mkdir(parents=True)
        for seed, slug in enumerate(_slugs()):
            (folder / str(version) / slug).write_bytes(eager_feed(seed, version))


def _measure(start: Callable[[], Function], origin: Origin, s3: S3) -> Cpu:
    inits = []
    for _ in range(_STARTS):
        with start() as function:
            inits.append(function.started.cpu_s)
    with start() as function:
        new = []
        for version in range(_NEW + 1):
            origin.serve(version, conditional=True)
            s3.requests()
            new.append(_turn(function, FEEDS)[0])
        # State and documents; entry, its page, state, documents, state.
        _expect(s3, GET=(1 + len(formats())) * FEEDS, PUT=(4 + len(formats())) * FEEDS)
        known = _known(s3)
        s3.requests()
        many = [_turn(function, FEEDS, known) for _ in range(_UNCHANGED)]
        _expect(s3)
        origin.serve(_NEW, conditional=True, delay_s=_DELAY_S)
        late_s = median(_turn(function, FEEDS, known)[1] for _ in range(_UNCHANGED))
        origin.serve(_NEW, conditional=True)
        one_s = median(_turn(function, 1, known)[0] for _ in range(_UNCHANGED))
    ten_s = median(cpu_s for cpu_s, _ in many)
    unchanged_s = (ten_s - one_s) / (FEEDS - 1)
    invocation_s = max(0.0, one_s - unchanged_s)
    new_s = (median(new[_NEW // 2 :]) - invocation_s) / FEEDS
    waits_s = median(wall_s - cpu_s for cpu_s, wall_s in many)
    # What a batch takes longer than its origins do, beside what it takes if they answer at once.
    seen = (late_s - _DELAY_S) / median(wall_s for _, wall_s in many)
    overlap = min(1.0, max(0.0, 1 - seen))
    return Cpu(median(inits), invocation_s, unchanged_s, new_s, waits_s, overlap)


def _known(s3: S3) -> Mapping[str, IndexedFeed]:
    """What the feed index knows, as dispatch has it made."""
    session = Session("testing", "testing", region_name=CREDENTIALS["AWS_REGION"])
    store = S3Store.connect(BUCKET, threads=1, endpoint_url=s3.url, session=session)
    return survey_feeds(store, datetime.now(UTC)).feeds


def _turn(
    function: Function, feeds: int, known: Mapping[str, IndexedFeed] = MappingProxyType({})
) -> tuple[float, float]:
    """CPU and wall time of a batch."""
    slugs = _slugs()[:feeds]
    turn = function.invoke(batch({s: known[s].known if s in known else None for s in slugs}))
    if turn.answer != {"batchItemFailures": []}:
        raise ProgramFailed(f"{turn.answer}: {function.log()[-2000:]}")
    return turn.cpu_s, turn.wall_s


def _expect(s3: S3, **expected: int) -> None:
    """That S3 was asked as often as was counted without it. Raises: ProgramFailed."""
    found = dict(s3.requests())
    if found != expected:
        raise ProgramFailed(f"S3 was asked {found}, and not {expected}")
