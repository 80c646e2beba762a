"""How much CPU time an input may take: linear in its size, and a finding beyond that."""

from __future__ import annotations

import time
from collections.abc import Callable

FLOOR_S = 1.0  # imports and collections of garbage within one input
PER_BYTE_S = 100e-6  # a hundred times what is usual: coverage alone costs a factor of five


class TooSlowError(AssertionError):
    """An input took more time than its size allows."""


def timed(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """`check`, which also raises TooSlowError; an input gets a second chance, as machines vary."""

    def checked(data: bytes) -> None:
        if _seconds(check, data) > _allowed_s(data) and (
            (took_s := _seconds(check, data)) > _allowed_s(data)
        ):
            raise TooSlowError(f"{took_s:.1f} s of CPU time for {len(data)} bytes")

    return checked


def _seconds(check: Callable[[bytes], None], data: bytes) -> float:
    began_s = time.process_time()
    check(data)
    return time.process_time() - began_s


def _allowed_s(data: bytes) -> float:
    return FLOOR_S + PER_BYTE_S * len(data)
