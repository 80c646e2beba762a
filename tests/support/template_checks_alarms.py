"""What has to hold for the alarms and where they go, as functions of the templates."""

from __future__ import annotations

import re

from template_files import Json, Templates, of_type, only

ALARMS = (
    "blocked broken unreachable quiet newly-failing stale dead-letters older-deployment "
    "renewal-stalled errors throttles duration"
).split()


def alarms(templates: Templates) -> dict[str, Json]:
    """The properties of each alarm, by what its name ends in."""
    found = of_type(templates.observability, "AWS::CloudWatch::Alarm").values()
    return {
        each["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${Name}-"): each["Properties"]
        for each in found
    }


def measured(alarm: Json) -> dict[str, Json]:
    """What an alarm looks at, by the id that its expression uses."""
    return {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}


def expression(alarm: Json) -> str:
    """With parameters in it as `${Name}`."""
    (found,) = (each["Expression"] for each in alarm["Metrics"] if "Expression" in each)
    return found if isinstance(found, str) else found["Fn::Sub"]


def alarms_say_what_to_do_and_where_it_is_written(templates: Templates) -> None:
    assert sorted(alarms(templates)) == sorted(ALARMS)
    for name, alarm in alarms(templates).items():
        assert alarm["AlarmDescription"].endswith(f" docs/runbook.md#{name}")
        assert 100 < len(alarm["AlarmDescription"]) <= 1024


def alarms_tell_the_topic_when_they_begin_and_end(templates: Templates) -> None:
    for name, alarm in alarms(templates).items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "Topic"}]
        # Who has switched the schedule off need not hear that nothing happens.
        polling = {"Fn::If": ["IsPolling", True, False]}
        assert alarm.get("ActionsEnabled", True) == (polling if name == "stale" else True)
    enabled = {"Fn::Equals": [{"Ref": "ScheduleState"}, "ENABLED"]}
    assert templates.observability["Conditions"]["IsPolling"] == enabled
    assert templates.root["Parameters"]["Alarms"]["Default"] == "true"


def alarms_know_what_no_data_means(templates: Templates) -> None:
    """Of a gauge, no news; of the refreshes, that nothing happens; of faults, that all is well."""
    for name, alarm in alarms(templates).items():
        gauge = name in {"blocked", "broken", "unreachable", "quiet", "newly-failing"}
        means = "ignore" if gauge else "breaching" if name == "stale" else "notBreaching"
        assert alarm["TreatMissingData"] == means


def expressions_speak_of_what_is_measured(templates: Templates) -> None:
    for alarm in alarms(templates).values():
        stats = measured(alarm)
        words = re.sub(r"\$\{\w+\}|\bIF\b|\d", "", expression(alarm))
        assert set(re.findall(r"[a-z_]+", words)) == stats.keys()
        returned = [each["Id"] for each in alarm["Metrics"] if each.get("ReturnData", True)]
        assert len(returned) == 1
        assert returned[0] not in stats
        # Source: CloudWatch API Reference, "PutMetricAlarm": one period for all of them
        assert len({stat["Period"] for stat in stats.values()}) == 1


def every_function_and_queue_has_its_alarms(templates: Templates) -> None:
    watched = {
        (name, stat["Metric"]["MetricName"], stat["Metric"]["Dimensions"][0]["Value"]["Ref"])
        for name, alarm in alarms(templates).items()
        for stat in measured(alarm).values()
    }
    for function in ("DispatchFunctionName", "MirrorFunctionName"):
        for metric in ("Errors", "Throttles", "Duration"):
            assert (metric.lower(), metric, function) in watched
    for queue in ("FailedRefreshesName", "FailedRenewalsName", "FailedTicksName"):
        assert ("dead-letters", "ApproximateNumberOfMessagesVisible", queue) in watched
    assert ("dead-letters", "ApproximateAgeOfOldestMessage", "RefreshesName") in watched


def alarms_cost_what_is_said(templates: Templates) -> None:
    """They are paid by the metric, not by the alarm."""
    assert sum(len(measured(alarm)) for alarm in alarms(templates).values()) == 24
    assert len(alarms(templates)) == 12


# ---------------------------------------------------------------- where alarms go


def topic_takes_messages_of_this_account_alone(templates: Templates) -> None:
    statement = only(templates.observability, "AWS::SNS::TopicPolicy")["PolicyDocument"][
        "Statement"
    ][0]

    assert statement["Principal"] == {
        "Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]
    }
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sns:Publish")
    own = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert statement["Condition"] == own
    # With AWS's own key for SNS, which CloudWatch may not use, alarms are lost without a word.
    assert "KmsMasterKeyId" not in templates.observability["Resources"]["Topic"].get(
        "Properties", {}
    )


def email_and_budget_are_there_if_asked_for(templates: Templates) -> None:
    resources, conditions = (templates.observability[key] for key in ("Resources", "Conditions"))

    assert resources["Email"]["Condition"] == "HasEmail"
    assert conditions["HasEmail"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}
    assert resources["Budget"]["Condition"] == "HasBudget"
    assert conditions["HasBudget"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "MonthlyBudget"}, 0]}]}
    assert templates.root["Parameters"]["MonthlyBudget"]["Default"] == 0
    told = resources["Budget"]["Properties"]["NotificationsWithSubscribers"]
    assert [each["Notification"]["NotificationType"] for each in told] == ["FORECASTED", "ACTUAL"]
    subscriber = {"SubscriptionType": "SNS", "Address": {"Ref": "Topic"}}
    assert all(each["Subscribers"] == [subscriber] for each in told)
