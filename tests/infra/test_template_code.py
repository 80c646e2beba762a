"""The templates fit the code that they deploy: its handlers, its variables, its ticks."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore import xform_name

from feedmirror.adapters import sqs
from feedmirror.adapters.stores import s3
from feedmirror.entrypoints.aws.environment import read_environment
from feedmirror.entrypoints.aws.events import Tick, read_event
from feedmirror.settings.slugs import SLUG
from runtime_tools import FUNCTIONS, ROOT
from template_files import properties, source_templates, sub
from wheels import MACHINES, PYTHON, SERVICES

ROOT_TEMPLATE = source_templates().root
GLOBALS = ROOT_TEMPLATE["Globals"]["Function"]
PARAMETERS = ROOT_TEMPLATE["Parameters"]
NAMES = ("DispatchFunction", "MirrorFunction")


def variables(name: str) -> dict[str, Any]:
    """The environment of a function."""
    own = properties(ROOT_TEMPLATE, name).get("Environment", {}).get("Variables", {})
    return {**GLOBALS["Environment"]["Variables"], **own}


@pytest.mark.parametrize("name", NAMES)
def test_handler_is_there(name: str) -> None:
    module, _, function = properties(ROOT_TEMPLATE, name)["Handler"].rpartition(".")

    assert callable(getattr(importlib.import_module(module), function))


def test_functions_run_on_what_they_are_built_for() -> None:
    assert GLOBALS["Runtime"] == f"python{PYTHON}"
    assert PARAMETERS["Architecture"]["Default"] == "arm64"
    assert set(PARAMETERS["Architecture"]["AllowedValues"]) == set(MACHINES)


def test_template_and_build_speak_of_the_same_functions() -> None:
    """`sam build` makes the target that has the name of the resource."""
    makefile = (FUNCTIONS / "Makefile").read_text("utf-8")
    (targets,) = re.findall(r"^(build-.*):$", makefile, re.MULTILINE)

    assert sorted(targets.split()) == sorted(f"build-{name}" for name in NAMES)
    for name in NAMES:
        assert ROOT_TEMPLATE["Resources"][name]["Metadata"] == {"BuildMethod": "makefile"}
    assert GLOBALS["CodeUri"] == "functions/"


def test_deployment_may_do_what_the_template_needs() -> None:
    settings = (ROOT / "samconfig.toml").read_text("utf-8")

    assert "CAPABILITY_IAM" in settings  # for the roles, which have no names of their own
    assert "CAPABILITY_AUTO_EXPAND" in settings  # for a transform beside nested stacks


# ---------------------------------------------------------------- variables


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """What the functions read of their package at their start."""
    shutil.copy(FUNCTIONS / "feeds.toml", tmp_path)
    (tmp_path / "build-id").write_text("1f")
    return tmp_path


def test_functions_accept_the_environment_that_the_template_gives_them(package: Path) -> None:
    both = {
        "FEEDMIRROR_STORE": sub("s3://${Bucket}"),
        "FEEDMIRROR_PUBLIC_URL": {"Fn::GetAtt": ["Cdn", "Outputs.PublicUrl"]},
        "POWERTOOLS_SERVICE_NAME": {"Ref": "AWS::StackName"},
        "FEEDMIRROR_RENEWALS_URL": {"Ref": "Renewals"},
        "FEEDMIRROR_RENEWALS_PER_DAY": {"Ref": "RenewalsPerDay"},
    }
    queue = {"FEEDMIRROR_QUEUE_URL": {"Ref": "Refreshes"}}
    dead_letters = {"FEEDMIRROR_DEAD_LETTERS_URL": {"Ref": "FailedRefreshes"}}
    assert variables("MirrorFunction") == {**both, **queue, **dead_letters}
    assert variables("DispatchFunction") == {**both, **queue}

    read = read_environment(
        {
            "LAMBDA_TASK_ROOT": str(package),
            "FEEDMIRROR_STORE": "s3://feedmirror-bucket-1a2b3c4d",
            "FEEDMIRROR_PUBLIC_URL": "https://d111111abcdef8.cloudfront.net",
            "FEEDMIRROR_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/q.fifo",
            "FEEDMIRROR_DEAD_LETTERS_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/d.fifo",
        }
    )
    assert list(read.subscriptions) == ["example"]
    assert read.queue_url is not None
    assert read.dead_letters_url is not None


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        ("DomainName", "feeds.example.org", True),
        ("DomainName", "xn--fahren-4ya.example", True),
        ("DomainName", "https://feeds.example.org", False),
        ("DomainName", "feeds.example.org/", False),
        ("DomainName", "localhost", False),
        ("DomainName", "*.example.org", False),
        ("CertificateArn", "arn:aws:acm:us-east-1:123456789012:certificate/1a2b-3c", True),
        ("CertificateArn", "arn:aws:acm:eu-west-1:123456789012:certificate/1a2b-3c", False),
        ("AlarmEmail", "ops@example.org", True),
        ("AlarmEmail", "ops@example", False),
        ("AlarmEmail", "a@example.org, b@example.org", False),
        ("GeoCountries", "DE,FR", True),
        ("GeoCountries", "DE, FR", False),
        ("GeoCountries", "de", False),
        ("AccessLogBucket", "my-logs.s3.amazonaws.com", True),
        ("AccessLogBucket", "my-logs.s3.eu-west-1.amazonaws.com", True),
        ("AccessLogBucket", "my-logs", False),
    ],
)
def test_parameter_takes_what_fits(
    parameter: str, value: str, accepted: bool, package: Path
) -> None:
    settings = PARAMETERS[parameter]

    assert bool(re.search(settings["AllowedPattern"], value)) is accepted
    assert re.search(settings["AllowedPattern"], "")  # nothing, which is the default
    if accepted and parameter == "DomainName":
        given = {"FEEDMIRROR_PUBLIC_URL": f"https://{value}", "FEEDMIRROR_STORE": "s3://bucket"}
        assert read_environment({"LAMBDA_TASK_ROOT": str(package), **given}).public_url


@pytest.mark.parametrize(
    ("parameter", "least", "most"),
    [
        ("Timeout", 10, 900),
        ("DispatchTimeout", 10, 900),
        ("VisibilityTimeout", 10, 5400),
        ("MaximumConcurrency", 2, 1000),
        ("RenewalConcurrency", 2, 1000),
        ("Memory", 256, 3008),
    ],
)
def test_numbers_are_within_what_aws_takes_and_an_emulator_needs(
    parameter: str, least: int, most: int
) -> None:
    assert (PARAMETERS[parameter]["MinValue"], PARAMETERS[parameter]["MaxValue"]) == (least, most)


# ---------------------------------------------------------------- what they call


def test_folder_that_the_function_of_the_cdn_knows_is_any_slug() -> None:
    code = (ROOT / "infra" / "cdn.yaml").read_text("utf-8")

    assert "const FOLDER = /^\\/[a-z0-9-]+(?:" in code
    assert set(re.findall(r"\[([^]]+)\]", SLUG.pattern)) == {"a-z0-9", "a-z0-9-"}


@pytest.mark.parametrize("adapter", [s3, sqs])
def test_build_keeps_the_operations_that_are_called(adapter: ModuleType) -> None:
    source = Path(str(adapter.__file__)).read_text("utf-8")
    called = set(re.findall(r"(?:_client\.|_ask\(\")(\w+)[(\"]", source))

    assert called == {
        xform_name(operation) for operation in SERVICES[adapter.__name__.rpartition(".")[2]]
    }


# ---------------------------------------------------------------- ticks


def test_every_tick_is_a_rate_for_the_scheduler_and_a_span_for_the_function() -> None:
    schedule = properties(ROOT_TEMPLATE, "DispatchFunction")["Events"]["Tick"]["Properties"]
    at = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert schedule["ScheduleExpression"] == sub("rate(${Tick})")

    for tick in PARAMETERS["Tick"]["AllowedValues"]:
        text = schedule["Input"]["Fn::Sub"].replace("${Tick}", tick)
        filled_in = text.replace("<aws.scheduler.scheduled-time>", "2026-01-31T12:00:00Z")
        number, unit = tick.split()
        # Source: EventBridge Scheduler User Guide, "rate-based schedules": 1 has no plural
        assert unit.endswith("s") == (number != "1")
        span = timedelta(minutes=int(number) * (60 if unit.startswith("hour") else 1))
        assert read_event(json.loads(filled_in), at) == Tick(at - span, at)
        assert read_event(json.loads(text), at) == Tick(at - span, at)  # as an emulator leaves it
