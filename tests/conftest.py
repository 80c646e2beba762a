"""What holds for every test: how hypothesis searches, who runs it.

And when: what takes long comes first.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from effort import QUICK, amount

# No deadline: what an example takes says more of the machine than of the code. On a failure,
# `print_blob` shows the line that brings the very same example back.
settings.register_profile("searching", deadline=None, max_examples=amount(30), print_blob=True)
# In CI the same examples each time: a change is judged by what it changes.
settings.register_profile(
    "steady", settings.get_profile("searching"), derandomize=True, database=None
)
settings.load_profile("steady" if os.environ.get("CI") else "searching")


# Files whose tests one worker runs: they share what takes long to make, and some need their order.
_KEPT_TOGETHER = {
    "tests/clients/test_browser.py": "chromium",
    "tests/clients/test_hostile_browser.py": "chromium",
    "tests/clients/test_painting.py": "chromium",
    "tests/clients/test_readers.py": "readers",
    "tests/infra/test_deploy.py": "deploy",
    "tests/infra/test_runtime.py": "runtime",
    "tests/infra/test_template.py": "template",
    "tests/invariants/test_samples.py": "samples",
    "tests/publishing/test_hostile_content.py": "hostile content",
}


class Scheduler(LoadScopeScheduling):
    """Gives each worker test after test, but all of a group of files to one.

    Not `--dist loadgroup`, which pytest-xdist 3.8 forgets with pytest 9.2; and not `loadfile`, with
    which every file's tests have the company of the same others each time.
    Source: pytest-xdist documentation, "Customizing the distribution"
    """

    def _split_scope(self, nodeid: str) -> str:
        return _KEPT_TOGETHER.get(nodeid.partition("::")[0], nodeid)


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def _unless_costly(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield, of a costly test, every eighth case: no case of one that has fewer."""
    cases: Counter[str] = Counter()
    for item in items:
        name = item.nodeid.partition("[")[0]
        cases[name] += 1
        if cases[name] % 8 == 0 or item.get_closest_marker("costly") is None:
            yield item


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave costly tests out of a quick run. Several workers begin with what takes long, so that
    none waits for the last of it.
    """
    if QUICK:
        items[:] = _unless_costly(items)
    if hasattr(config, "workerinput"):  # one alone makes what a module shares only once
        items.sort(key=lambda item: not _is_slow(item))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    """Who runs what, where there are several workers."""
    return Scheduler(config, log)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT means in this process and its children what it means in a terminal's foreground.

    It is inherited as ignored where a script started the tests in the background.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archive pages of two entries, so that a few entries make several."""
    monkeypatch.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 2)


@pytest.fixture
def pages_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archive pages of one entry: what is beyond `keep` leaves the public feed at once."""
    monkeypatch.setattr("feedmirror.mirror.archive.PAGE_ENTRIES", 1)
