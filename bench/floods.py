"""The benchmark of floods: `python bench/floods.py`. README.md says what it measures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from jobs import MB
from measure import Cost, measure
from origin import Origin
from programs import Feedmirror, feedmirror_env

LIMIT = 300 * MB  # of all processes together, whatever a feed sends
_WORDS = "The ferry was late again, and nobody on the quay minded it much. "
_TIMEOUT_S = 900.0


def _document(items: Iterator[str]) -> bytes:
    head = "<rss version='2.0'><channel><title>Quay</title><link>https://quay.example.org/</link>"
    return f"{head}<description>d</description>{''.join(items)}</channel></rss>".encode()


def _item(number: int, size_bytes: int, mark: str) -> str:
    words = f"Entry {number}{mark}. {_WORDS * (size_bytes // len(_WORDS) + 1)}"[:size_bytes]
    return (
        f"<item><title>Entry {number}</title><link>https://quay.example.org/{number}</link>"
        f"<guid>https://quay.example.org/{number}</guid><description>{words}</description></item>"
    )


def _poll(first: int, entries: int, size_bytes: int, mark: str = "") -> bytes:
    return _document(
        _item(number, size_bytes, mark) for number in range(first + entries, first, -1)
    )


# By name: what each poll brings.
FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "20,000 entries a poll": lambda: (
        _poll(number * 20_000, entries, 150)
        for number, entries in enumerate((20_000, 20_000, 20_000, 1, 1))
    ),
    "100 entries of 95 KB a poll": lambda: (
        _poll(number * 100, entries, 95_000)
        for number, entries in enumerate((100, 100, 100, 100, 1))
    ),
    # A string with one character beyond U+FFFF takes four bytes for each of its characters.
    "100 entries of 95 KB with an emoji a poll": lambda: (
        _poll(number * 100, entries, 95_000, " \U0001f600")
        for number, entries in enumerate((100, 100, 100, 100, 1))
    ),
    "one entry of 9.9 MB a poll": lambda: (_poll(number, 1, 9_900_000) for number in range(5)),
    "one entry of 9.9 MB with an emoji, after 300 of 95 KB with one": lambda: (
        _poll(number * 100, *polled, " \U0001f600")
        for number, polled in enumerate(((100, 95_000),) * 3 + ((1, 9_900_000),) * 3)
    ),
}


def main() -> int:
    """Return 1 if a poll needs more memory than is promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    numbers = range(1, len(FLOODS) + 1)
    parser.add_argument("floods", nargs="*", type=int, choices=numbers, help="default: all")
    chosen = parser.parse_args().floods or numbers
    names = list(FLOODS)
    found = {names[number - 1]: _measured(FLOODS[names[number - 1]]()) for number in chosen}
    for name, costs in found.items():
        print(f"\n{name}; at most {LIMIT // MB} MB together")
        for number, cost in enumerate(costs, 1):
            over = "  OVER" if cost.tree_peak > LIMIT else ""
            print(
                f"  poll {number}: {cost.tree_peak / MB:6.0f} MB together, "
                f"{cost.own_peak / MB:6.0f} own, {cost.children_peak / MB:6.0f} child, "
                f"{cost.cpu_s:6.1f} s CPU{over}"
            )
    return int(any(cost.tree_peak > LIMIT for costs in found.values() for cost in costs))


def _measured(documents: Iterator[bytes]) -> list[Cost]:
    with tempfile.TemporaryDirectory(prefix="feedmirror-bench-") as temporary:
        folder = Path(temporary)
        polls = 0
        for polls, document in enumerate(documents, 1):
            version = folder / "documents" / str(polls)
            version.mkdir(parents=True)
            (version / "flood.xml").write_bytes(document)
        with Origin(folder / "documents") as origin:
            program = Feedmirror(folder / "mirror", [origin.url("flood.xml")])
            program.renew()
            env = feedmirror_env(folder)
            costs = []
            for poll in range(1, polls + 1):
                origin.serve(poll, conditional=True)
                command = program.command()
                cost = measure(command, env=env, folder=program.folder, timeout_s=_TIMEOUT_S)
                print(f"poll {poll}: {cost.tree_peak / MB:.0f} MB", file=sys.stderr)
                costs.append(cost)
            return costs


if __name__ == "__main__":
    sys.exit(main())
