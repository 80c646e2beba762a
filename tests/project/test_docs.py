"""What the documents say of the code is there: links lead somewhere, names are those in force."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from feedmirror.entrypoints import telemetry
from feedmirror.errors import Kind
from feedmirror.model import Outcome, Subscription
from locations import ROOT

DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")))
RUNBOOK, DEPLOY = DOCS / "runbook.md", DOCS / "deploy.md"
OBSERVABILITY = ROOT / "infra" / "observability.yaml"

MESSAGES = sorted(
    value
    for name, value in vars(telemetry).items()
    if name.isupper() and not name.startswith("_") and isinstance(value, str)
    if name != "SERVICE"
)


# ---------------------------------------------------------------- reading a page


def prose(page: Path) -> str:
    """The page without its blocks of code, in which # begins a comment."""
    return re.sub(r"^( *)```.*?^\1```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a link to one of the page's headings may end in, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """The targets of the page's links to other parts of this repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [target for target in found if "://" not in target]


def section(page: Path, heading: str) -> str:
    """What stands below a heading of the second level."""
    _, _, below = page.read_text().partition(f"\n## {heading}\n")
    assert below, f"{page.name} has no heading {heading!r}"
    return below.partition("\n## ")[0]


def first_column(text: str) -> set[str]:
    """What stands in backticks in the first cells of the tables."""
    cells = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def names_in(template: Path, block: str) -> list[str]:
    """The names in a block of a template, such as Parameters."""
    _, _, below = template.read_text().partition(f"\n{block}:\n")
    body = re.split(r"^\w", below, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^  (\w+):", body, re.MULTILINE)


def alarms() -> dict[str, str]:
    """The anchor in the runbook that each alarm's description names, by the alarm's name."""
    if not OBSERVABILITY.exists():
        pytest.skip("there are no alarms: infra/observability.yaml is not there")
    parts = OBSERVABILITY.read_text().split("Type: AWS::CloudWatch::Alarm")[1:]
    return {
        find(r"AlarmName: .*}-([\w-]+)", part): find(r"runbook\.md#([\w-]+)", part)
        for part in parts
    }


def find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found, f"nothing is like {pattern} in {text[:300]}"
    return found[1]


# ---------------------------------------------------------------- links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)

    assert broken == []


def test_link_to_a_missing_heading_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# What's `new`, in 2 words\n\n```sh\n# no heading\n```\n\n[a](#b) [c](d.md#e)\n"
    )

    assert anchors(page) == {"whats-new-in-2-words"}
    assert links(page) == ["#b", "d.md#e"]


# ---------------------------------------------------------------- the runbook


def test_every_alarm_names_its_own_paragraph_of_the_runbook() -> None:
    named = alarms()

    assert named
    assert {name: anchor for name, anchor in named.items() if name != anchor} == {}
    assert named.keys() - anchors(RUNBOOK) == set()


def test_every_paragraph_on_an_alarm_says_what_is_needed_at_night() -> None:
    for name in alarms():
        text = section(RUNBOOK, name)
        for part in ("For readers", "First look", "Likely causes", "What to do", "Do nothing"):
            assert f"**{part}" in text, (name, part)
        assert "**It goes away**" in text, name


def test_every_kind_of_failure_is_in_the_runbook_with_its_group() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \|", section(RUNBOOK, "Kinds of failure"), re.MULTILINE
    )

    assert rows == [(kind.value, kind.group.value) for kind in Kind]


def test_every_message_of_the_log_is_explained_in_the_runbook_and_no_other() -> None:
    table, _, _ = section(RUNBOOK, "The log").partition("The keys of `feed refreshed`")

    assert sorted(first_column(table)) == MESSAGES


def test_every_key_of_a_refresh_is_explained_in_the_runbook_and_no_other() -> None:
    outcome = Outcome("example", "unchanged")
    keys = telemetry.outcome_fields(outcome, Subscription("example", "https://example.org/"))
    _, _, table = section(RUNBOOK, "The log").partition("The keys of `feed refreshed`")

    assert first_column(table) == keys.keys()


def test_every_metric_is_named_in_the_runbook() -> None:
    text = section(RUNBOOK, "The log")

    assert [name for name in telemetry.METRICS if f"`{name}`" not in text] == []


def test_every_saved_query_is_in_the_runbook_and_no_other() -> None:
    if not OBSERVABILITY.exists():
        pytest.skip("there are no queries: infra/observability.yaml is not there")
    saved = re.findall(r"Name: !Sub \${Name}/(.+)$", OBSERVABILITY.read_text(), re.MULTILINE)
    _, _, table = section(RUNBOOK, "Where to look").partition("The saved queries")

    assert saved
    assert first_column(table) == set(saved)


# ---------------------------------------------------------------- deploying


def test_every_parameter_is_in_the_table_of_parameters_with_its_default() -> None:
    text = (ROOT / "template.yaml").read_text()
    table = section(DEPLOY, "The deploy")
    documented = dict(
        re.findall(
            r"^\| `(\w+)` \| (\S+) \|", table.replace(" minutes`", "_minutes`"), re.MULTILINE
        )
    )
    defaults = {}
    for name in names_in(ROOT / "template.yaml", "Parameters"):
        default = find(rf"\n  {name}:\n(?:    .*\n)*?    Default: (.+)\n", text).strip('"')
        defaults[name] = f"`{default}`".replace(" ", "_") if default else "none"

    assert documented == defaults


@pytest.mark.parametrize("page", [DEPLOY, RUNBOOK], ids=lambda page: page.name)
def test_every_output_that_a_page_names_is_one_of_the_stack(page: Path) -> None:
    outputs = set(names_in(ROOT / "template.yaml", "Outputs"))
    text = page.read_text()
    named = set(re.findall(r"outputs? `(\w+)`|\$\(output (\w+)\)", text))

    assert named
    assert {one or other for one, other in named} - outputs == set()


def test_commands_of_the_pages_name_functions_of_the_stack() -> None:
    resources = names_in(ROOT / "template.yaml", "Resources")
    text = DEPLOY.read_text() + RUNBOOK.read_text()
    invoked = re.findall(r"sam remote invoke (\w+) --event", text)

    assert invoked
    assert set(invoked) <= set(resources)


def test_cost_table_stands_between_its_marks() -> None:
    text = section(DEPLOY, "What it costs")
    _, begin, rest = text.partition("<!-- cost: begin -->\n")
    table, end, _ = rest.partition("<!-- cost: end -->\n")

    assert begin
    assert end
    assert "| **all** |" in table
