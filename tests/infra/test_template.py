"""The templates say what is deployed: they are valid and closed, and each guard notices.

`template_checks_*.py` say what has to hold; here they look at what CloudFormation gets, and then at
the same with a mistake planted in it (`template_mistakes_*.py`).
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import ModuleType

import pytest

import template_checks_alarms
import template_checks_cdn
import template_checks_dashboard
import template_checks_functions
import template_checks_store
import template_checks_whole
import template_mistakes_cdn
import template_mistakes_observability
import template_mistakes_root
from runtime_tools import run_tool
from template_files import Check, Mistake, Templates, planted, source_templates

pytestmark = pytest.mark.slow


def checks_of(module: ModuleType) -> list[Check]:
    """The functions of a module that look at templates and answer nothing."""
    found = [
        f for name, f in vars(module).items() if not name.startswith("_") and inspect.isfunction(f)
    ]
    return [f for f in found if f.__module__ == module.__name__ and _is_check(f)]


def _is_check(function: Check) -> bool:
    signature = inspect.signature(function)
    return list(signature.parameters) == ["templates"] and signature.return_annotation == "None"


CHECKS = [
    check
    for module in (
        template_checks_alarms,
        template_checks_cdn,
        template_checks_dashboard,
        template_checks_functions,
        template_checks_store,
        template_checks_whole,
    )
    for check in checks_of(module)
]
MISTAKES = (
    *template_mistakes_root.MISTAKES,
    *template_mistakes_cdn.MISTAKES,
    *template_mistakes_observability.MISTAKES,
)


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root template as CloudFormation gets it."""
    done = run_tool("python", "tests/support/runtime_translate.py", "template.yaml")
    assert done.returncode == 0, done.stdout
    path = tmp_path_factory.mktemp("template") / "translated.json"
    path.write_text(done.stdout)
    return path


@pytest.fixture(scope="module")
def templates(translated: Path) -> Templates:
    source = source_templates()
    return Templates(json.loads(translated.read_text()), source.cdn, source.observability)


# ---------------------------------------------------------------- valid


def test_every_template_is_valid_and_so_is_what_the_root_becomes(translated: Path) -> None:
    """`sam validate --lint` does this to the root alone: it looks neither into nested templates nor
    at values that it passes on.
    """
    # W3002: nested templates lie on a disk, until `sam deploy` uploads them.
    options = ("--ignore-checks", "W3002", "--")
    sources = ("template.yaml", "infra/cdn.yaml", "infra/observability.yaml")
    done = run_tool("cfn-lint", *options, *sources, translated)

    assert done.returncode == 0, done.stdout


# ---------------------------------------------------------------- as it should be


@pytest.mark.row("O5", "U6")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_holds_that(check: Check, templates: Templates) -> None:
    check(templates)


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_mistake_is_noticed(mistake: Mistake, templates: Templates) -> None:
    spoilt = planted(templates, mistake)

    with pytest.raises((AssertionError, LookupError, TypeError, ValueError)):
        mistake.check(spoilt)


def test_every_check_is_proved_by_a_mistake() -> None:
    assert {mistake.check for mistake in MISTAKES} == set(CHECKS)
