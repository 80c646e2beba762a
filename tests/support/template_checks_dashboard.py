"""What has to hold for the dashboard and the queries, as functions of the templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from feedmirror.entrypoints import telemetry
from feedmirror.model import Outcome, Subscription
from template_checks_alarms import alarms, measured
from template_files import Json, Templates, of_type, only, properties, substituted

# What AWS has of its own, as far as it is looked at, with the dimensions that name it.
# Source: the chapters "Metrics" of the guides of Lambda, SQS, CloudWatch Logs and CloudFront
_AWS_METRICS = {
    "AWS/Lambda": ({"FunctionName"}, {"Invocations", "Errors", "Throttles", "Duration"}),
    "AWS/SQS": (
        {"QueueName"},
        {
            "ApproximateNumberOfMessagesVisible",
            "ApproximateAgeOfOldestMessage",
            "NumberOfMessagesSent",
        },
    ),
    "AWS/Logs": ({"LogGroupName"}, {"IncomingBytes"}),
    "AWS/CloudFront": ({"DistributionId", "Region"}, {"Requests", "BytesDownloaded"}),
}
# What the values of dimensions are in the root template, by the parameter that carries them.
_NAMED = {
    "Name": "AWS::StackName",
    "DispatchFunctionName": "DispatchFunction",
    "MirrorFunctionName": "MirrorFunction",
    "RefreshesName": "Refreshes.QueueName",
    "FailedRefreshesName": "FailedRefreshes.QueueName",
    "FailedTicksName": "FailedTicks.QueueName",
    "FailedRenewalsName": "FailedRenewals.QueueName",
    "LogGroupName": "Logs",
    "DistributionId": "Cdn.Outputs.DistributionId",
}
_COMMANDS = set("filter fields stats sort limit by as and desc count sum avg max latest".split())


def dashboard(templates: Templates, *, has_alarms: bool = True) -> Json:
    """The body, with `<name>` for each parameter and attribute."""
    body = only(templates.observability, "AWS::CloudWatch::Dashboard")["DashboardBody"]
    names = re.findall(r"\$\{([^}]+)\}", json.dumps(body))
    filled_in = {name: f"<{name}>" for name in names}
    return json.loads(substituted(body, filled_in, {"HasAlarms": has_alarms}))


def _metrics(templates: Templates) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Everything that alarms and dashboard look at: namespace, name, parameters by dimension."""
    for alarm in alarms(templates).values():
        for stat in measured(alarm).values():
            metric = stat["Metric"]
            yield (
                metric["Namespace"],
                metric["MetricName"],
                {each["Name"]: each["Value"]["Ref"] for each in metric["Dimensions"]},
            )
    for widget in dashboard(templates)["widgets"]:
        for namespace, name, *rest in widget["properties"].get("metrics", []):
            words = [word for word in rest if isinstance(word, str)]
            pairs = zip(words[::2], words[1::2], strict=True)
            yield namespace, name, {key: value.strip("<>") for key, value in pairs}


def metrics_are_those_that_the_code_counts(templates: Templates) -> None:
    ours = set()
    for namespace, name, dimensions in _metrics(templates):
        if namespace == "feedmirror":
            assert name in telemetry.METRICS
            assert dimensions == {"service": "Name"}
            ours.add(name)
        else:
            expected, names = _AWS_METRICS[namespace]
            assert name in names
            assert dimensions.keys() == expected
    assert ours == set(telemetry.METRICS), "counted for nobody"


def metrics_are_of_this_stack(templates: Templates) -> None:
    given = properties(templates.root, "Observability")["Parameters"]
    for parameter, what in _NAMED.items():
        value = given[parameter]
        named = value["Ref"] if "Ref" in value else ".".join(value["Fn::GetAtt"])
        assert named == what
    used = {value for _, _, dimensions in _metrics(templates) for value in dimensions.values()}
    assert used <= {*_NAMED, "Global"}
    for function in templates.root["Resources"].values():
        if function["Type"] == "AWS::Lambda::Function":
            variables = function["Properties"]["Environment"]["Variables"]
            assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}


def dashboard_is_whole(templates: Templates) -> None:
    """With alarms and without; nothing lies over anything else."""
    states = dashboard(templates)["widgets"][0]["properties"]["alarms"]
    resources = of_type(templates.observability, "AWS::CloudWatch::Alarm")
    assert states == [f"<{name}.Arn>" for name in resources]
    assert len(dashboard(templates, has_alarms=False)["widgets"]) == 10
    taken = set()
    for widget in dashboard(templates)["widgets"]:
        assert widget["properties"]["title"]
        columns = range(widget["x"], widget["x"] + widget["width"])
        rows = range(widget["y"], widget["y"] + widget["height"])
        cells = {(column, row) for column in columns for row in rows}
        assert not cells & taken
        assert columns.stop <= 24
        taken |= cells
        is_global = "CloudFront" in json.dumps(widget)
        region = "us-east-1" if is_global else "<AWS::Region>"
        assert widget["properties"].get("region", region) == region


def queries(templates: Templates) -> dict[str, str]:
    """Every query, the saved ones and those of the dashboard, by its name."""
    found = {
        query["Properties"]["Name"]["Fn::Sub"]: query["Properties"]["QueryString"]
        for query in of_type(templates.observability, "AWS::Logs::QueryDefinition").values()
    }
    for widget in dashboard(templates)["widgets"]:
        if widget["type"] == "log":
            source, _, query = widget["properties"]["query"].partition(" | ")
            assert source == "SOURCE '<LogGroupName>'"
            found[widget["properties"]["title"]] = query
    return found


def queries_ask_for_what_is_logged(templates: Templates) -> None:
    assert len(queries(templates)) == 6
    for query in of_type(templates.observability, "AWS::Logs::QueryDefinition").values():
        assert query["Condition"] == "HasQueries"
        assert query["Properties"]["LogGroupNames"] == [{"Ref": "LogGroupName"}]
    keys, messages = _logged()
    for query in queries(templates).values():
        text = re.sub(r"#.*", "", query)
        said = re.findall(r"message = [\"']([^\"']*)[\"']", text)
        assert said
        assert set(said) <= messages
        outcomes = set(re.findall(r"outcome = [\"']([^\"']*)[\"']", text))
        assert outcomes <= {"changed", "unchanged", "failed", "waiting", "retired"}
        words = set(re.findall(r"@?[a-z_]+", re.sub(r"[\"'][^\"']*[\"']", "", text)))
        own = set(re.findall(r"\bas ([a-z_]+)", text))
        assert words - own - _COMMANDS <= keys


def _logged() -> tuple[set[str], set[str]]:
    """The keys of the line of a feed, and all messages that there are."""
    words = {value for name, value in vars(telemetry).items() if name.isupper()}
    messages = {word for word in words if isinstance(word, str)}
    outcome = Outcome(feed="news", outcome="failed")
    keys = telemetry.outcome_fields(outcome, Subscription("news", "https://news.example.org/"))
    return {*keys, "message", "level", "@timestamp"}, messages
