"""Mistakes in what the operator sees, each with the check that has to notice it."""

from __future__ import annotations

import template_checks_alarms as alarms
import template_checks_dashboard as dashboard
from template_files import Mistake, sub

_words = alarms.alarms_say_what_to_do_and_where_it_is_written
_told = alarms.alarms_tell_the_topic_when_they_begin_and_end
_missing = alarms.alarms_know_what_no_data_means
_expression = alarms.expressions_speak_of_what_is_measured
_every = alarms.every_function_and_queue_has_its_alarms
_paid = alarms.alarms_cost_what_is_said
_topic = alarms.topic_takes_messages_of_this_account_alone
_asked = alarms.email_and_budget_are_there_if_asked_for
_counted = dashboard.metrics_are_those_that_the_code_counts
_own = dashboard.metrics_are_of_this_stack
_whole = dashboard.dashboard_is_whole
_logged = dashboard.queries_ask_for_what_is_logged

_RESOURCES = "observability/Resources"
_STALE = f"{_RESOURCES}/Stale/Properties"
_DUE = f"{_STALE}/Metrics/1/MetricStat"
_ERRORS = f"{_RESOURCES}/Errors/Properties"
_DEAD = f"{_RESOURCES}/DeadLetters/Properties"
_TOPIC = f"{_RESOURCES}/TopicPolicy/Properties/PolicyDocument/Statement/0"
_BODY = f"{_RESOURCES}/Dashboard/Properties/DashboardBody"
_SLOWEST = f"{_RESOURCES}/SlowestQuery/Properties"
_GIVEN = "root/Resources/Observability/Properties/Parameters"
_REFRESHED = 'filter message = "feed refreshed"'


def _dimension(name: str) -> dict[str, object]:
    return {"Name": name, "Value": {"Ref": "Name"}}


MISTAKES = (
    Mistake(_words, f"{_RESOURCES}/Quiet"),
    Mistake(_words, f"{_STALE}/AlarmName/Fn::Sub", "${Name}-dead"),
    Mistake(_words, f"{_STALE}/AlarmDescription", "Something is wrong. docs/runbook.md#stale"),
    Mistake(_words, f"{_ERRORS}/AlarmDescription", f"{'x' * 200} docs/runbook.md#error"),
    Mistake(_told, f"{_ERRORS}/AlarmActions"),
    Mistake(_told, f"{_ERRORS}/OKActions", []),
    Mistake(_told, f"{_ERRORS}/ActionsEnabled", False),
    Mistake(_told, f"{_STALE}/ActionsEnabled/Fn::If/1", False),
    Mistake(_told, "observability/Conditions/IsPolling/Fn::Equals/1", "DISABLED"),
    Mistake(_told, "root/Parameters/Alarms/Default", "false"),
    Mistake(_missing, f"{_STALE}/TreatMissingData", "notBreaching"),
    Mistake(_missing, f"{_STALE}/TreatMissingData"),
    Mistake(_missing, f"{_RESOURCES}/Blocked/Properties/TreatMissingData", "breaching"),
    Mistake(_missing, f"{_ERRORS}/TreatMissingData", "missing"),
    Mistake(_expression, f"{_STALE}/Metrics/0/Expression", "IF(due * 0.9 > done, 1, 0)"),
    Mistake(_expression, f"{_STALE}/Metrics/1/ReturnData"),
    Mistake(_expression, f"{_DUE}/Period", 300),
    Mistake(_every, f"{_ERRORS}/Metrics/2/MetricStat/Metric/MetricName", "Invocations"),
    Mistake(_every, f"{_ERRORS}/Metrics/2/MetricStat/Metric/Dimensions/0/Value/Ref", "Name"),
    Mistake(_every, f"{_DEAD}/Metrics/2"),
    Mistake(_every, f"{_DEAD}/Metrics/3"),
    Mistake(_paid, f"{_DEAD}/Metrics/3"),
    Mistake(_topic, f"{_TOPIC}/Principal", "*"),
    Mistake(_topic, f"{_TOPIC}/Condition"),
    Mistake(_topic, f"{_TOPIC}/Principal/Service", ["budgets.amazonaws.com"]),
    Mistake(_topic, f"{_RESOURCES}/Topic/Properties", {"KmsMasterKeyId": "alias/aws/sns"}),
    Mistake(_asked, f"{_RESOURCES}/Email/Condition"),
    Mistake(_asked, f"{_RESOURCES}/Budget/Condition"),
    Mistake(_asked, "observability/Conditions/HasBudget/Fn::Not/0/Fn::Equals/1", "0"),
    Mistake(_asked, f"{_RESOURCES}/Budget/Properties/NotificationsWithSubscribers/1"),
    Mistake(_counted, f"{_DUE}/Metric/MetricName", "FeedsDew"),
    Mistake(_counted, f"{_DUE}/Metric/Namespace", "FeedMirror"),
    Mistake(_counted, f"{_DUE}/Metric/Dimensions/0", _dimension("stack")),
    Mistake(_counted, f"{_DUE}/Metric/Dimensions/1", _dimension("feed")),
    Mistake(_counted, f"{_ERRORS}/Metrics/1/MetricStat/Metric/MetricName", "Faults"),
    Mistake(_own, f"{_GIVEN}/Name", {"Ref": "LogGroupName"}),
    Mistake(_own, f"{_GIVEN}/FailedTicksName", {"Fn::GetAtt": ["Refreshes", "QueueName"]}),
    Mistake(_own, f"{_GIVEN}/MirrorFunctionName", {"Ref": "DispatchFunction"}),
    Mistake(
        _own,
        "root/Resources/MirrorFunction/Properties/Environment/Variables/POWERTOOLS_SERVICE_NAME",
        "feedmirror",
    ),
    Mistake(_whole, f"{_BODY}/Fn::Sub/0", '{"widgets": [${States}]}'),
    Mistake(_whole, f"{_BODY}/Fn::Sub/1/States/Fn::If/2", "{},"),
    Mistake(_whole, f"{_RESOURCES}/Another", {"Type": "AWS::CloudWatch::Alarm"}),
    Mistake(_logged, f"{_SLOWEST}/QueryString", f"{_REFRESHED} | stats max(took_ms) as t by feed"),
    Mistake(_logged, f"{_SLOWEST}/QueryString", 'filter message = "feed mirrored" | limit 9'),
    Mistake(_logged, f"{_SLOWEST}/QueryString", f'{_REFRESHED} and outcome = "bad" | limit 9'),
    Mistake(_logged, f"{_SLOWEST}/LogGroupNames/0", sub("/aws/lambda/${Name}")),
    Mistake(_logged, f"{_RESOURCES}/SlowestQuery/Condition"),
)
