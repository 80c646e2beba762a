"""What has to hold for schedule, functions and roles, as functions of the templates."""

from __future__ import annotations

import json

from template_files import Json, Templates, get_att, listed, of_type, only, properties, sub

FUNCTIONS = ("DispatchFunction", "MirrorFunction")


# ---------------------------------------------------------------- the schedule


def schedule_is_bounded_and_its_failures_are_kept(templates: Templates) -> None:
    schedule = only(templates.root, "AWS::Scheduler::Schedule")
    target = schedule["Target"]

    assert "Name" not in schedule
    assert schedule["State"] == {"Ref": "ScheduleState"}
    assert target["Arn"] == get_att("DispatchFunction", "Arn")
    assert target["DeadLetterConfig"] == {"Arn": get_att("FailedTicks", "Arn")}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] <= 5
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600


def tick_on_which_the_function_fails_is_kept_too(templates: Templates) -> None:
    settings = only(templates.root, "AWS::Lambda::EventInvokeConfig")

    assert settings["FunctionName"] == {"Ref": "DispatchFunction"}
    assert 1 <= settings["MaximumRetryAttempts"] <= 2
    assert settings["MaximumEventAgeInSeconds"] <= 3600
    assert settings["DestinationConfig"] == {
        "OnFailure": {"Destination": get_att("FailedTicks", "Arn")}
    }


# ---------------------------------------------------------------- the functions


def functions_log_json_to_a_group_that_forgets(templates: Templates) -> None:
    functions = of_type(templates.root, "AWS::Lambda::Function")
    assert sorted(functions) == sorted(FUNCTIONS)
    for function in functions.values():
        logging = function["Properties"]["LoggingConfig"]
        assert logging["LogFormat"] == "JSON"
        assert logging["ApplicationLogLevel"] == logging["SystemLogLevel"] == "INFO"
        assert logging["LogGroup"] == {"Ref": "Logs"}
    group = of_type(templates.root, "AWS::Logs::LogGroup")["Logs"]
    assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert group["DeletionPolicy"] == "Delete"


def functions_have_limits_and_tracing_of_their_parameters(templates: Templates) -> None:
    for name, memory, timeout in (
        ("DispatchFunction", "DispatchMemory", "DispatchTimeout"),
        ("MirrorFunction", "Memory", "Timeout"),
    ):
        function = properties(templates.root, name)
        assert function["MemorySize"] == {"Ref": memory}
        assert function["Timeout"] == {"Ref": timeout}
        assert function["Architectures"] == [{"Ref": "Architecture"}]
        assert function["TracingConfig"] == {"Mode": {"Ref": "Tracing"}}
        assert function["Role"] == get_att(f"{name}Role", "Arn")


def stack_has_no_way_in_but_the_cdn(templates: Templates) -> None:
    """No function address, no API, no permission for others: nothing but what is listed here."""
    kinds = [resource["Type"] for resource in templates.root["Resources"].values()]

    assert sorted(set(kinds)) == [
        "AWS::CloudFormation::Stack",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
        "AWS::Scheduler::Schedule",
    ]


# ---------------------------------------------------------------- who may do what


def roles_are_allowed_what_they_need_and_no_more(templates: Templates) -> None:
    bucket, logs = get_att("Bucket", "Arn"), get_att("Logs", "Arn")

    def keys(*names: str) -> list[Json]:
        return [sub(f"${{Bucket.Arn}}/{name}") for name in names]

    queue, ticks = get_att("Refreshes", "Arn"), get_att("FailedTicks", "Arn")
    renewals = get_att("Renewals", "Arn")
    names = ("index.html", "feeds.opml", "status.json", "removed.html", "404.html", "style-*.css")
    site = keys(*(f"public/{name}" for name in names))
    mirror = keys("state/*", "data/*", "public/*/*", "public/style-*.css")
    # Anything new belongs here, with the reason in the template.
    assert _allowed(templates, "DispatchFunctionRole") == _pairs(
        ("sqs:SendMessage", queue, ticks, renewals),
        *(
            (f"s3:{a}Object", *keys("state/*", "data/*", "public/*/*"), *site)
            for a in ("Get", "Put")
        ),
        ("s3:ListBucket", bucket),
    )
    assert _allowed(templates, "MirrorFunctionRole") == _pairs(
        *(
            (f"sqs:{a}", queue, renewals)
            for a in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        ),
        ("sqs:ChangeMessageVisibility", queue),
        ("sqs:SendMessage", queue, get_att("FailedRefreshes", "Arn"), renewals),
        *((f"s3:{a}Object", *mirror) for a in ("Get", "Put")),
        ("s3:ListBucket", bucket),
    )
    assert _allowed(templates, "RunPolicy") == _pairs(
        ("logs:CreateLogStream", logs),
        ("logs:PutLogEvents", logs),
        ("xray:PutTraceSegments", "*"),
        ("xray:PutTelemetryRecords", "*"),
    )
    contents = keys("state/*", "data/*", "public/*")
    assert _allowed(templates, "OperatorPolicy") == _pairs(
        *((f"s3:{action}Object", *contents) for action in ("Get", "Put")),
        *((f"s3:{action}ObjectVersion", *contents) for action in ("Get", "Delete")),
        *((f"s3:{a}", bucket) for a in ("ListBucket", "ListBucketVersions")),
        ("cloudfront:CreateInvalidation", get_att("Cdn", "Outputs.DistributionArn")),
    )
    assert _allowed(templates, "DispatchFunctionTickRole") == _pairs(
        ("lambda:InvokeFunction", get_att("DispatchFunction", "Arn")), ("sqs:SendMessage", ticks)
    )


def _pairs(*rules: tuple[object, ...]) -> set[tuple[object, str]]:
    return {(action, json.dumps(resource)) for action, *on in rules for resource in on}


def _allowed(templates: Templates, name: str) -> set[tuple[object, str]]:
    resource = properties(templates.root, name)
    documents = [policy["PolicyDocument"] for policy in resource.get("Policies", [])]
    documents += [resource["PolicyDocument"]] if "PolicyDocument" in resource else []
    statements = [statement for document in documents for statement in document["Statement"]]
    plain = [each["Fn::If"][1] if "Fn::If" in each else each for each in statements]
    assert all(statement["Effect"] == "Allow" for statement in plain)
    assert not any({"NotAction", "NotResource"} & statement.keys() for statement in plain)
    return {
        (action, json.dumps(on))
        for statement in plain
        for action in listed(statement["Action"])
        for on in listed(statement["Resource"])
    }


def roles_are_for_their_service_and_have_no_other_policies(templates: Templates) -> None:
    policies = sorted(of_type(templates.root, "AWS::IAM::ManagedPolicy"))
    assert policies == ["OperatorPolicy", "RunPolicy"]
    traced = properties(templates.root, "RunPolicy")["PolicyDocument"]["Statement"][1]["Fn::If"]
    assert (traced[0], traced[2]) == ("Traced", {"Ref": "AWS::NoValue"})
    roles = of_type(templates.root, "AWS::IAM::Role")
    assert sorted(roles) == [
        "DispatchFunctionRole",
        "DispatchFunctionTickRole",
        "MirrorFunctionRole",
    ]
    for name, role in roles.items():
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        is_function = name != "DispatchFunctionTickRole"
        service = "lambda.amazonaws.com" if is_function else "scheduler.amazonaws.com"
        assert trust["Effect"] == "Allow"
        assert {k: listed(v) for k, v in trust["Principal"].items()} == {"Service": [service]}
        named = role["Properties"].get("ManagedPolicyArns", [])
        assert named == ([{"Ref": "RunPolicy"}] if is_function else [])
