"""One target under atheris, in a process of its own: `python -m fuzz.one TARGET [libFuzzer's]`."""

from __future__ import annotations

import sys

import atheris

from fuzz.targets import target
from fuzz.watch import timed


def main() -> None:
    """Fuzz until told to stop; libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["feedmirror", "feedparser"]):
        chosen = target(name)
        chosen.check(b"<rss version='2.0'><channel><item><title>1</title></item></channel></rss>")
    atheris.Setup([sys.argv[0], *options], timed(chosen.check))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
