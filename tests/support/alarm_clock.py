"""What CloudWatch makes of an alarm: its state, minute by minute, from what was measured.

    clock = AlarmClock(alarm, values)
    clock.measure("FeedsDue", at_s=300, value=1)
    clock.states(until_s=7200)

As far as its guide says how: windows slide, an expression is worked out window by window, and
where only one side of an operation has a figure the other counts as 0.
Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics", "Configuring how
CloudWatch alarms treat missing data", "Alarm evaluation window"
"""

from __future__ import annotations

import ast
import operator
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from template_checks_alarms import expression, measured
from template_files import Json

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
MINUTE_S = 60

Figure = float | None  # None: nothing was measured
_OPERATIONS: dict[type, Any] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
}


class Series:
    """What was measured under one name, in the order of time."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.values: list[float] = []

    def figure(self, stat: str, since_s: float, until_s: float) -> Figure:
        """Of the window from `since_s` to before `until_s`."""
        values = self.values[bisect_left(self.times, since_s) : bisect_left(self.times, until_s)]
        if not values:
            return None
        return float(max(values) if stat == "Maximum" else list(accumulate(values))[-1])


class AlarmClock:
    """One alarm; `values` are those of the parameters of its template."""

    def __init__(self, alarm: Json, values: Mapping[str, object]) -> None:
        text = re.sub(r"\$\{(\w+)\}", lambda found: str(values[found[1]]), expression(alarm))
        self._expression = ast.parse(text, mode="eval").body
        self._stats = measured(alarm)
        self._series: dict[str, Series] = defaultdict(Series)
        threshold = alarm["Threshold"]
        self._threshold = float(
            str(values[threshold["Ref"]] if isinstance(threshold, dict) else threshold)
        )
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        self._periods = alarm["EvaluationPeriods"]
        self._breaching = alarm.get("DatapointsToAlarm", self._periods)
        self._missing = alarm["TreatMissingData"]

    def measure(self, at_s: float, **values: float) -> None:
        """Note figures, by the ids of the alarm's metrics; not before earlier ones."""
        for name, value in values.items():
            assert name in self._stats
            self._series[name].times.append(at_s)
            self._series[name].values.append(value)

    def states(self, until_s: int, since_s: int = 0) -> list[str]:
        """The state at each full minute."""
        found, state = [], INSUFFICIENT_DATA
        for now_s in range(since_s + MINUTE_S, until_s + 1, MINUTE_S):
            state = self._next(state, now_s)
            found.append(state)
        return found

    def _next(self, state: str, now_s: float) -> str:
        period = next(iter(self._stats.values()))["Period"]
        ends = [now_s - back * period for back in range(self._periods)]
        points = [self._point(end - period, end) for end in ends]
        if all(point is None for point in points) and self._missing == "ignore":
            return state
        breaches = [
            self._missing == "breaching" if point is None else point >= self._threshold
            for point in points
        ]
        return ALARM if sum(breaches) >= self._breaching else OK

    def _point(self, since_s: float, until_s: float) -> Figure:
        figures = {
            name: self._series[name].figure(stat["Stat"], since_s, until_s)
            for name, stat in self._stats.items()
        }
        return _worked_out(self._expression, figures)


def _worked_out(node: ast.expr, figures: Mapping[str, Figure]) -> Figure:
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return figures[node.id]
    if isinstance(node, ast.Call):
        condition, if_true, if_false = (_worked_out(each, figures) for each in node.args)
        chosen = if_true if condition else if_false
        # Without the condition there is no figure; without what it chooses, 0 if it holds.
        return None if condition is None else 0.0 if condition and chosen is None else chosen
    if isinstance(node, ast.BinOp):
        left, right, does = node.left, node.right, node.op
    else:
        assert isinstance(node, ast.Compare)
        left, right, does = node.left, node.comparators[0], node.ops[0]  # type: ignore[assignment]
    return _operated(does, left, right, figures)


def _operated(
    does: ast.AST, left: ast.expr, right: ast.expr, figures: Mapping[str, Figure]
) -> Figure:
    first, second = _worked_out(left, figures), _worked_out(right, figures)
    sides = [(left, first), (right, second)]
    series = [value for node, value in sides if not isinstance(node, ast.Constant)]
    if all(value is None for value in series):
        return None
    if isinstance(does, ast.Div) and not second:
        return None  # "the data point is dropped"
    return float(_OPERATIONS[type(does)](first or 0.0, second or 0.0))
