"""The Lambda function that refreshes feeds: those of a queue's messages, those that became due in
a schedule's tick, or those that somebody names.

An origin's failure is an outcome, logged and counted. What is sent again is only what our own
faults or the end of the time kept from being done; to do it twice is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from time import monotonic
from typing import Any

from feedmirror.entrypoints import telemetry
from feedmirror.entrypoints.aws.batch import Shift, work_through
from feedmirror.entrypoints.aws.environment import Environment, read_environment
from feedmirror.entrypoints.aws.events import Batch, Message, Named, Tick, read_event, response_to
from feedmirror.entrypoints.aws.invocation import Context, chosen, is_handler, started
from feedmirror.errors import EventError, Group
from feedmirror.model import Outcome, Subscription
from feedmirror.ports import World
from feedmirror.refresh import attempt


def handler(event: object, context: Context) -> dict[str, Any]:
    """What became of the feeds: for a queue, the messages to send again; else a summary.

    Raises: EventError if the event is none that is understood.
    """
    return _function().invoke(event, context)


class MirrorFunction:
    """What stays from one invocation to the next: settings, clients, and the parser's process."""

    def __init__(
        self,
        environment: Environment,
        world: World,
        log: telemetry.Log,
        before_each: Callable[[], None] = lambda: None,  # invocation
    ) -> None:
        self._environment = environment
        self._world = world
        self._log = log
        self._before_each = before_each

    def invoke(self, event: object, context: Context) -> dict[str, Any]:
        """As `handler`."""
        started_at = monotonic()
        with telemetry.invocation(context.aws_request_id):
            try:
                asked = read_event(event, self._world.clock())
                feeds = self._choose(asked)
            except EventError as error:
                telemetry.log_refusal(self._log, str(error))
                raise
            self._before_each()
            shift = self._refresh(feeds, context, scheduled=not isinstance(asked, Named))
            duration_ms = round((monotonic() - started_at) * 1000)
            tally = telemetry.log_shift(
                self._log, shift.outcomes, shift.cut_short, shift.not_begun, duration_ms
            )
            telemetry.put_metrics(
                {
                    "FeedsRefreshed": tally.feeds,
                    "FeedsFailed": tally.failed,
                    "EntriesNew": tally.new,
                }
            )
            if isinstance(asked, Batch):
                return response_to(_to_send_again(asked.messages, shift))
            return _summary(tally, shift, self._environment.subscriptions)

    def _choose(self, asked: Batch | Tick | Named) -> list[Subscription]:
        """The feeds that are asked for, each once. Raises: EventError for unknown ones by name."""
        if isinstance(asked, Batch):
            return list(self._of_messages(asked.messages))
        return chosen(asked, self._environment.subscriptions)

    def _of_messages(self, messages: Iterable[Message]) -> Iterable[Subscription]:
        feeds: dict[str, Subscription] = {}
        for message in messages:
            if message.slug is None:
                telemetry.log_message(self._log, message.id, message.wrong, dropped=False)
            elif message.slug in self._environment.subscriptions:
                feeds[message.slug] = self._environment.subscriptions[message.slug]
            else:  # it was sent before a deploy that removed the feed; to try again is no use
                wrong = f"no feed {message.slug!r} is configured"
                telemetry.log_message(self._log, message.id, wrong, dropped=True)
        return feeds.values()

    def _refresh(
        self, feeds: Iterable[Subscription], context: Context, *, scheduled: bool
    ) -> Shift:
        def tell(outcome: Outcome) -> None:
            if not telemetry.says_nothing(outcome):
                subscription = self._environment.subscriptions[outcome.feed]
                telemetry.log_outcome(self._log, outcome, subscription)

        return work_through(
            feeds,
            lambda feed: attempt(feed, self._world, scheduled=scheduled),
            self._environment.threads,
            lambda: context.get_remaining_time_in_millis() / 1000,
            tell,
        )


def _to_send_again(messages: Iterable[Message], shift: Shift) -> list[str]:
    """The ids of messages that were not understood, or whose feed our own fault kept from being
    refreshed.
    """
    failed = {*shift.cut_short, *shift.not_begun}
    failed |= {outcome.feed for outcome in shift.outcomes if _is_ours(outcome)}
    return [m.id for m in messages if m.slug is None or m.slug in failed]


def _is_ours(outcome: Outcome) -> bool:
    return outcome.failure is not None and outcome.failure.group == Group.INTERNAL.value


def _summary(
    tally: telemetry.Tally, shift: Shift, subscriptions: Mapping[str, Subscription]
) -> dict[str, Any]:
    return {
        **telemetry.counts(tally),
        "skipped": [*shift.cut_short, *shift.not_begun],
        "outcomes": [
            telemetry.outcome_fields(outcome, subscriptions[outcome.feed])
            for outcome in shift.outcomes
        ],
    }


# ---------------------------------------------------------------- init


@cache
def _function() -> MirrorFunction:
    """The function, ready; made once a process. Raises: ConfigError, StoreError."""
    return started(start)


def start(
    variables: Mapping[str, str], log: telemetry.Log, clock: Callable[[], datetime]
) -> MirrorFunction:
    """A function for these variables of the environment. Raises: ConfigError, StoreError."""
    environment = read_environment(variables)
    from feedmirror.adapters.parser import SupervisedParser  # noqa: PLC0415 - forks: see below

    # Forked while there are no threads, and nothing large that it would inherit.
    parser = SupervisedParser.start(memory_bytes=environment.parser_bytes)
    from feedmirror.adapters.origin.client import HttpOrigin  # noqa: PLC0415
    from feedmirror.entrypoints.store import open_store  # noqa: PLC0415

    world = World(
        store=open_store(environment.store, threads=environment.threads),
        origin=HttpOrigin(now=clock, own_port=environment.runtime_port),
        parser=parser,
        clock=clock,
        public_url=environment.public_url,
    )

    def revive_parser() -> None:
        with suppress(RuntimeError):  # a feed that was cut short goes on; the next time, then
            parser.revive()

    return MirrorFunction(environment, world, log, revive_parser)


if is_handler(__name__):
    _function()
