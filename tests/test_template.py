"""The template says what is deployed: it is valid, closed, and fits the code that it deploys."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from build_wheels import MACHINES, PYTHON
from feedmirror.entrypoints import environment
from feedmirror.entrypoints.environment import read_environment
from feedmirror.entrypoints.events import Tick, read_event
from runtime_tools import FUNCTIONS, ROOT, run_tool

pytestmark = pytest.mark.slow

Json = dict[str, Any]


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as CloudFormation gets it."""
    done = run_tool("python", "tests/runtime_translate.py", "template.yaml")
    assert done.returncode == 0, done.stdout
    path = tmp_path_factory.mktemp("template") / "translated.json"
    path.write_text(done.stdout)
    return path


@pytest.fixture(scope="module")
def template(translated: Path) -> Json:
    return json.loads(translated.read_text())


def properties(template: Json, kind: str) -> Json:
    """The properties of the only resource of that type."""
    (found,) = (r for r in template["Resources"].values() if r["Type"] == kind)
    return found["Properties"]


def statements(template: Json) -> Iterator[Json]:
    """What the roles are allowed."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role":
            for policy in resource["Properties"]["Policies"]:
                yield from policy["PolicyDocument"]["Statement"]


def listed(value: object) -> list[Any]:
    """The members of what IAM takes as one or as a list."""
    return value if isinstance(value, list) else [value]


# ---------------------------------------------------------------- valid


def test_sam_finds_the_template_valid() -> None:
    done = run_tool("sam", "validate", "--lint")

    assert done.returncode == 0, done.stdout


def test_what_the_template_becomes_is_valid_too(translated: Path) -> None:
    """It sees the values that SAM passes on without a look at them."""
    done = run_tool("cfn-lint", translated)

    assert done.returncode == 0, done.stdout


def test_every_parameter_is_explained_and_takes_nothing_but_what_fits(template: Json) -> None:
    limits = {"AllowedValues", "AllowedPattern", "MinValue"}

    for name, parameter in template["Parameters"].items():
        assert parameter.get("Description"), name
        assert limits & parameter.keys(), name


def test_every_output_is_explained(template: Json) -> None:
    assert all(output.get("Description") for output in template["Outputs"].values())


# ---------------------------------------------------------------- closed


def test_bucket_is_private_encrypted_versioned_and_outlives_the_stack(template: Json) -> None:
    (bucket,) = (r for r in template["Resources"].values() if r["Type"] == "AWS::S3::Bucket")
    settings = bucket["Properties"]

    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert set(settings["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(settings["PublicAccessBlockConfiguration"]) == 4
    assert settings["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert settings["VersioningConfiguration"] == {"Status": "Enabled"}
    assert settings["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (rule,) = settings["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    # What is current never expires: it may be all that there is left of the origin.
    assert "ExpirationInDays" not in rule
    assert rule["NoncurrentVersionExpiration"]


def test_bucket_refuses_plain_http_unless_that_is_switched_off(template: Json) -> None:
    (policy,) = (r for r in template["Resources"].values() if r["Type"] == "AWS::S3::BucketPolicy")
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]

    assert policy["Condition"] == "TlsOnly"
    assert template["Parameters"]["EnforceTls"]["Default"] == "true"
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_role_is_allowed_more_than_it_needs(template: Json) -> None:
    allowed = {
        (action, json.dumps(resource))
        for statement in statements(template)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    bucket = json.dumps({"Fn::GetAtt": ["Bucket", "Arn"]})
    objects = [json.dumps({"Fn::Sub": f"${{Bucket.Arn}}/{name}/*"}) for name in ("data", "public")]

    # Anything new belongs here, with the reason in the template.
    assert allowed == {
        *((action, name) for action in ("s3:GetObject", "s3:PutObject") for name in objects),
        ("s3:ListBucket", bucket),
        ("lambda:InvokeFunction", json.dumps({"Fn::GetAtt": ["MirrorFunction", "Arn"]})),
        ("sqs:SendMessage", json.dumps({"Fn::GetAtt": ["DeadLetters", "Arn"]})),
    }


def test_roles_have_no_policy_of_aws_but_the_one_for_logs(template: Json) -> None:
    named = [
        arn
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        for arn in resource["Properties"].get("ManagedPolicyArns", [])
    ]

    assert [arn.rpartition("/")[2] for arn in named] == ["AWSLambdaBasicExecutionRole"]


# ---------------------------------------------------------------- dependable


def test_schedule_is_bounded_has_a_dead_letter_queue_and_no_name_that_could_collide(
    template: Json,
) -> None:
    schedule = properties(template, "AWS::Scheduler::Schedule")

    assert "Name" not in schedule
    assert schedule["Target"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] <= 5
    assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600


def test_tick_on_which_the_function_fails_goes_to_the_dead_letters_too(template: Json) -> None:
    settings = properties(template, "AWS::Lambda::EventInvokeConfig")

    assert settings["MaximumRetryAttempts"] <= 2
    destination = settings["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == {"Fn::GetAtt": ["DeadLetters", "Arn"]}


def test_dead_letters_are_encrypted_and_kept_for_two_weeks(template: Json) -> None:
    queue = properties(template, "AWS::SQS::Queue")

    assert queue["SqsManagedSseEnabled"] is True
    assert timedelta(seconds=queue["MessageRetentionPeriod"]) == timedelta(days=14)


def test_logs_are_json_and_end_some_day(template: Json) -> None:
    logging = properties(template, "AWS::Lambda::Function")["LoggingConfig"]

    assert logging["LogFormat"] == "JSON"
    assert logging["LogGroup"] == {"Ref": "Logs"}
    group = properties(template, "AWS::Logs::LogGroup")
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


# ---------------------------------------------------------------- fits the code


def test_handler_is_there(template: Json) -> None:
    module, _, name = properties(template, "AWS::Lambda::Function")["Handler"].rpartition(".")

    assert callable(getattr(importlib.import_module(module), name))


def test_function_runs_on_what_it_is_built_for(template: Json) -> None:
    function = properties(template, "AWS::Lambda::Function")
    architecture = template["Parameters"]["Architecture"]

    assert function["Runtime"] == f"python{PYTHON}"
    assert function["Architectures"] == [{"Ref": "Architecture"}]
    assert architecture["Default"] == "arm64"
    assert set(architecture["AllowedValues"]) == set(MACHINES)


def test_function_accepts_the_environment_that_the_template_gives_it(template: Json) -> None:
    variables = properties(template, "AWS::Lambda::Function")["Environment"]["Variables"]
    known = re.findall(r"\bFEEDMIRROR_[A-Z_]+\b", Path(environment.__file__).read_text("utf-8"))

    assert set(variables) <= set(known)
    assert variables == {
        "FEEDMIRROR_STORE": {"Fn::Sub": "s3://${Bucket}"},
        "FEEDMIRROR_PUBLIC_URL": {"Ref": "PublicUrl"},
    }
    read = read_environment(
        {
            "LAMBDA_TASK_ROOT": str(FUNCTIONS),
            "FEEDMIRROR_STORE": "s3://feedmirror-bucket-1a2b3c4d",
            "FEEDMIRROR_PUBLIC_URL": "https://feeds.example.org",
        }
    )
    assert list(read.subscriptions) == ["example"]


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("https://feeds.example.org", True),
        ("https://d111111abcdef8.cloudfront.net/", True),
        ("http://127.0.0.1:8000/public", True),
        ("", False),
        ("feeds.example.org", False),
        ("https://feeds.example.org/?a=b", False),
        ("https://user:secret@feeds.example.org", False),
    ],
)
def test_address_is_accepted_by_the_stack_if_it_is_by_the_function(
    template: Json, address: str, accepted: bool
) -> None:
    pattern = template["Parameters"]["PublicUrl"]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, address)) is accepted
    if accepted:
        given = {"FEEDMIRROR_PUBLIC_URL": address, "FEEDMIRROR_STORE": "s3://bucket"}
        assert read_environment({"LAMBDA_TASK_ROOT": str(FUNCTIONS), **given}).public_url


def test_every_tick_is_a_rate_for_the_scheduler_and_a_span_for_the_function(template: Json) -> None:
    schedule = properties(template, "AWS::Scheduler::Schedule")
    ticks = template["Parameters"]["Tick"]
    at = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert schedule["ScheduleExpression"] == {"Fn::Sub": "rate(${Tick})"}
    assert ticks["Default"] in ticks["AllowedValues"]

    for tick in ticks["AllowedValues"]:
        text = schedule["Target"]["Input"]["Fn::Sub"].replace("${Tick}", tick)
        filled_in = text.replace("<aws.scheduler.scheduled-time>", "2026-01-31T12:00:00Z")
        number, unit = tick.split()
        # Source: EventBridge Scheduler User Guide, "rate-based schedules": 1 has no plural
        assert unit.endswith("s") == (number != "1")
        span = timedelta(minutes=int(number) * (60 if unit.startswith("hour") else 1))
        assert read_event(json.loads(filled_in), at) == Tick(at - span, at)
        assert read_event(json.loads(text), at) == Tick(at - span, at)  # as an emulator leaves it


def test_template_and_build_speak_of_the_same_functions(template: Json) -> None:
    """`sam build` makes the target that has the name of the resource."""
    functions = [
        n for n, r in template["Resources"].items() if r["Type"] == "AWS::Lambda::Function"
    ]

    targets = re.findall(
        r"^build-(\w+):", (FUNCTIONS / "Makefile").read_text("utf-8"), re.MULTILINE
    )

    assert sorted(targets) == sorted(functions)
    assert (ROOT / "samconfig.toml").is_file()
