"""Sweeps render equal documents once: else they take three times as long, and nothing says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from feedmirror.publishing import render
from remembering import remember_renderings
from scene import DOCUMENTS, Scene, document


def test_equal_runs_render_each_document_and_page_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name in ("attached", "rendered", "entry_page"):
        monkeypatch.setattr(render, name, _noted(asked, name, getattr(render, name)))
    remember_renderings(monkeypatch)
    for _ in range(2):
        Scene(document(1)).refresh()
    assert sorted(asked) == ["attached", "entry_page", *["rendered"] * len(DOCUMENTS)]
    Scene(document(2)).refresh()
    assert len(asked) == 2 * len(["attached", "entry_page", *DOCUMENTS])


def _noted(asked: list[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*args: Any, **rest: Any) -> Any:
        asked.append(name)
        return function(*args, **rest)

    return noted
