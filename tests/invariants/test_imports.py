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


@pytest.mark.parametrize("module", ["cli.run", "aws.mirror", "aws.dispatch"])
def test_entry_points_start_without_the_modules_that_make_classes_from_source(module: str) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'functions')!r})\n"
        f"import feedmirror.entrypoints.{module}\n"
        "print(*sorted({'dataclasses', 'inspect', 'ast', 'typing_extensions'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""
