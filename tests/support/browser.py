"""Chromium, driven as a person would use it, and what it has seen."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from node_tools import NODE, require_node_package

PHONE, DESK = (390, 844), (1280, 900)
_TIMEOUT_S = 180


def browse(
    chromium: str, base: str, *, size: tuple[int, int] = DESK, scheme: str = "light", **task: Any
) -> Any:
    """Return what `tests/node/browse.mjs` has seen; `task` as it says there."""
    require_node_package("axe-core")
    width, height = size
    whole = {"browser": chromium, "base": base, "scheme": scheme, **task}
    done = subprocess.run(
        ["node", NODE / "browse.mjs"],
        input=json.dumps(whole | {"width": width, "height": height}),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def serious(judged: Any) -> list[Any]:
    """What axe finds that keeps somebody from reading."""
    return [found for found in judged["violations"] if found[1] in {"serious", "critical"}]


def complaints(seen: Any) -> list[str]:
    """What the browser says is wrong; not that pictures of others are out of reach here."""
    return [text for text in seen["console"] if "net::ERR_" not in text]


def hosts(seen: Any) -> set[str]:
    """Whom the browser has asked, or tried to."""
    return {urlsplit(url).netloc for url in seen["requests"] if url.startswith("http")}


def addresses_below(folder: Path, base: str) -> Sequence[str]:
    """The pages of a mirror, as they are served."""
    pages = sorted((folder / "mirror/public").rglob("*.html"))
    paths = (page.relative_to(folder / "mirror/public").as_posix() for page in pages)
    return [f"{base}/{path.removesuffix('index.html')}" for path in paths if path != "404.html"]
