"""MiniStack, with what of the stack it does not know; no test, run by the tests' Python for it.

    .venv-ministack/bin/python tests/support/emulated_aws_server.py

So the template needs no switches for an emulator. What is added here is accepted and kept, and does
nothing: alarms never look at their metrics, and saved queries are not found by Logs Insights.
"""

from __future__ import annotations

import itertools
from typing import Any

from ministack import app
from ministack.services import scheduler
from ministack.services.cloudformation import provisioners

Json = dict[str, Any]

_numbers = itertools.count(1)
_alarm_of_one_metric = provisioners._cw_metric_alarm_record


def alarm_of_any_metrics(name: str, properties: Json) -> Json:
    """The record of an alarm; one that computes with metrics is kept as one of the first of them.

    Raises: ValueError, as for every resource that is refused.
    """
    if "Metrics" not in properties:
        return _alarm_of_one_metric(name, properties)
    found = [each["MetricStat"]["Metric"] for each in properties["Metrics"] if "MetricStat" in each]
    if not found:
        raise ValueError(f"The alarm {name} looks at no metric")
    rest = {key: value for key, value in properties.items() if key != "Metrics"}
    return _alarm_of_one_metric(name, {**found[0], **rest})


def create_query(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    """A query's id and attributes. Raises: ValueError for what CloudFormation would refuse."""
    if not properties.get("Name") or not properties.get("QueryString"):
        raise ValueError("A query needs a Name and a QueryString")
    query_id = f"query-{next(_numbers)}"
    return query_id, {"QueryDefinitionId": query_id}


def update_query(
    query_id: str, _before: Json, properties: Json, stack: str, **_: object
) -> tuple[str, Json]:
    """As `create_query`, and the id stays."""
    create_query("", properties, stack)
    return query_id, {"QueryDefinitionId": query_id}


def main() -> None:
    """Serve, until told to stop."""
    provisioners._cw_metric_alarm_record = alarm_of_any_metrics
    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {
        "create": create_query,
        "update": update_query,
        "delete": lambda _query_id, _properties: None,
    }
    # Seconds between its looks at what is due, instead of ten: the schedule's own minute stays.
    scheduler._SCHEDULE_TICK_INTERVAL = 1
    app.main()


if __name__ == "__main__":
    main()
