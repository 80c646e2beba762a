"""P6 at a cold start: a path on which nothing is new loads neither feedparser nor the sanitiser."""

from __future__ import annotations

import subprocess
import sys

import pytest

from locations import ROOT

_PROBE = """
import sys
from scene import Scene, document, NotModified, URL
scene = Scene(document(2, 1), parser=object())
scene.says(NotModified(URL))
scene.refresh()
import feedmirror.adapters.stores.directory, feedmirror.adapters.origin.client
import feedmirror.adapters.parser
heavy = {"feedparser", "idna", "nh3", "lxml", "boto3", "botocore", "rich", "aws_lambda_powertools"}
print(*sorted(heavy & set(sys.modules)))
"""


def test_a_refresh_that_finds_nothing_new_imports_no_parser() -> None:
    probe = _PROBE.replace("scene import Scene", "scene import Scene, RememberingParser")
    path = [str(ROOT / name) for name in ("tests/support", "functions")]
    # The tests' own scene imports the parser; the program must not.
    stub = "import types; sys.modules['parsers'] = types.SimpleNamespace(InProcessParser=object)\n"
    code = f"import sys; sys.path[:0] = {path!r}\n{stub}{probe}"
    done = subprocess.run(  # the interpreter itself, with our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    "module",
    [
        "entrypoints.cli.run",
        "entrypoints.aws.mirror",
        "entrypoints.aws.dispatch",
        "adapters.origin.client",
    ],
)
def test_start_imports_nothing_that_reads_source_or_installed_packages(module: str) -> None:
    unwanted = {
        "ast",
        "dataclasses",
        "importlib.metadata",
        "inspect",
        "typing_extensions",
        "zipfile",
    }
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'functions')!r})\n"
        f"import feedmirror.{module}\nprint(*sorted({unwanted!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""
