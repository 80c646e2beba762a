"""A log that remembers."""

from __future__ import annotations


class Recorder:
    """A log that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object, dict]] = []

    def info(self, msg, /, *, extra):
        self.events.append(("info", msg, extra))

    def warning(self, msg, /, *, extra):
        self.events.append(("warning", msg, extra))

    def error(self, msg, /, *, extra):
        self.events.append(("error", msg, extra))
