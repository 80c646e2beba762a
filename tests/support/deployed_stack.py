"""The whole stack, as a stranger deploys it: built and deployed by the SAM CLI, from a copy.

stack = Stack(aws, copy_project(folder, built_function(tmp_path_factory)))
stack.subscribe({"tides": "http://127.0.0.1:8000/tides"}, every={"tides": "1m"})
stack.build()
stack.deploy(Tick="1 minute")
stack.view("/tides/rss.xml")
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulated_aws import EmulatedAws, Page
from runtime_emulator import json_lines
from runtime_tools import ROOT

NAME = "feedmirror"  # as samconfig.toml has it

# What is deployed, and what deploys it: nothing else of the project is looked at.
_PARTS = ("template.yaml", "samconfig.toml", "functions", "infra")

Json = dict[str, Any]


def until(holds: Callable[[], bool], log: Callable[[], str], within_s: float = 30) -> None:
    """Wait until it holds; to find that out may cost a request."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, log()
        time.sleep(0.2)


# Four builds of the same would take half a minute. That `sam build` makes the very bytes that are
# copied here, of each function, is shown in test_build.py.
_COPY = """\
build-DispatchFunction build-MirrorFunction:
	cp -Rp '{function}/.' "$(ARTIFACTS_DIR)"
	cp feeds.toml "$(ARTIFACTS_DIR)"
"""


def copy_project(folder: Path, function: Path) -> Path:
    """The project once more, with feeds of its own, as somebody has it who deploys it; to build it
    is to copy the function that was built before.
    """
    for name in _PARTS:
        if (ROOT / name).is_dir():
            leave_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
        else:
            shutil.copyfile(ROOT / name, folder / name)
    (folder / "functions" / "Makefile").write_text(_COPY.format(function=function))
    return folder


@dataclass(frozen=True, slots=True)
class Stack:
    """A project, and what became of it in an account."""

    aws: EmulatedAws
    project: Path

    # ------------------------------------------------------------ what the operator does

    def subscribe(
        self,
        feeds: Mapping[str, str],
        every: Mapping[str, str],
        retired: Collection[str] = (),
        disclaimer: str = "A copy of {source_title}.",
    ) -> None:
        """Mirror these feeds, an address each, and retire others, once they are deployed."""
        tables = [
            f'[feeds.{slug}]\nurl = "{url}"\nevery = "{every.get(slug, "1d")}"\n'
            "allow_private_hosts = true\n"
            for slug, url in feeds.items()
        ]
        tables += [f"[feeds.{slug}]\nretired = true\n" for slug in retired]
        defaults = f'[defaults]\ndisclaimer = "{disclaimer}"\nkeep = 3\n'
        (self.project / "functions" / "feeds.toml").write_text("\n".join([defaults, *tables]))

    def build(self) -> None:
        """`sam build`, the functions side by side; again, the feeds, as it would copy them."""
        built = list(self.project.glob(".aws-sam/build/*/feeds.toml"))
        for feeds in built:
            shutil.copyfile(self.project / "functions" / "feeds.toml", feeds)
        if not built:
            self.aws.sam("build", "--parallel", cwd=self.project)

    def deploy(self, **parameters: str) -> str:
        """`sam deploy`; what it said."""
        values = [f'{name}="{value}"' for name, value in parameters.items()]
        options = ["--no-progressbar", "--parameter-overrides", *values]
        return self.aws.sam("deploy", *options, cwd=self.project)

    def invoke(self, function: str, event: object) -> Any:
        """What the function answers, which has to succeed."""
        done = self.aws.client("lambda").invoke(
            FunctionName=self.resources()[function], Payload=json.dumps(event)
        )
        answer = json.load(done["Payload"])
        assert "FunctionError" not in done, answer
        return answer

    # ------------------------------------------------------------ what there is

    def outputs(self) -> dict[str, str]:
        """The stack's outputs by their names."""
        (found,) = self.aws.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def resources(self, stack: str = NAME) -> dict[str, str]:
        """The physical id of every resource, those of nested stacks too, by its logical id."""
        answer = self.aws.client("cloudformation").describe_stack_resources(StackName=stack)
        found: dict[str, str] = {}
        for each in answer["StackResources"]:
            found[each["LogicalResourceId"]] = each["PhysicalResourceId"]
            if each["ResourceType"] == "AWS::CloudFormation::Stack":
                found |= self.resources(each["PhysicalResourceId"])
        return found

    def lines(self, message: str, at_least: int = 1, **fields: object) -> list[Json]:
        """What the functions logged with that message and these fields, the oldest first.

        Waits until there are so many lines: a function logs after it has published.
        """
        pages = self.aws.client("logs").get_paginator("filter_log_events")
        found: list[Json] = []

        def are_there() -> bool:
            events = pages.paginate(logGroupName=self.outputs()["LogGroupName"])
            log = "\n".join(event["message"].strip() for page in events for event in page["events"])
            wanted = ({"message": message} | fields).items()
            found[:] = [line for line in json_lines(log) if wanted <= line.items()]
            return len(found) >= at_least

        until(are_there, lambda: self.aws.log()[-5000:])
        return sorted(found, key=lambda line: line["timestamp"])

    def messages(self, queue: str) -> list[str]:
        """The bodies in a queue, each seen once; waits until there is one, if there is none."""
        sqs, url = self.aws.client("sqs"), self.resources()[queue]
        found: list[str] = []

        def is_there() -> bool:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            found.extend(message["Body"] for message in answer.get("Messages", []))
            return bool(found)

        until(is_there, lambda: self.aws.log()[-5000:])
        return found

    # ------------------------------------------------------------ what readers get

    def view(self, path: str, method: str = "GET", **headers: str) -> Page:
        """What is at that path of the public address, as the CDN has it."""
        return self.aws.view(self.outputs()["PublicUrl"] + path, method, **headers)


@dataclass(frozen=True, slots=True)
class Role:
    """What a function may do, as the account has it now."""

    stack: Stack
    logical_id: str

    def policies(self) -> dict[str, Json]:
        """Its own policies by their names."""
        iam, name = self.stack.aws.client("iam"), self._name
        return {
            policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        }

    def put(self, policy: str, statements: list[Json]) -> None:
        """Have that policy, in place of the one of that name."""
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.stack.aws.client("iam").put_role_policy(
            RoleName=self._name, PolicyName=policy, PolicyDocument=document
        )

    @contextmanager
    def without(self, ending: str) -> Iterator[None]:
        """For a while, what it may do to resources with that ending, it may not."""
        before = self.policies()
        for policy, document in before.items():
            self.put(policy, list(_left(document["Statement"], ending)))
        try:
            yield
        finally:
            for policy, document in before.items():
                self.put(policy, document["Statement"])

    def may_send_batches(self) -> None:
        """To AWS, sqs:SendMessage is for batches as well; the emulator asks for another action.

        Source: Amazon SQS Developer Guide, "Amazon SQS API permissions: actions and resource
        reference"
        """
        statements = [
            {"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": each["Resource"]}
            for document in self.policies().values()
            for each in document["Statement"]
            if "sqs:SendMessage" in listed(each["Action"])
        ]
        assert statements
        self.put("MayAlsoSendBatches", statements)

    @property
    def _name(self) -> str:
        return self.stack.resources()[self.logical_id]


def listed(value: object) -> list[Any]:
    """The members of what IAM takes as one or as a list."""
    return value if isinstance(value, list) else [value]


def _left(statements: list[Json], ending: str) -> Iterator[Json]:
    for statement in statements:
        resources = [r for r in listed(statement["Resource"]) if not r.endswith(ending)]
        if resources:
            yield {**statement, "Resource": resources}
