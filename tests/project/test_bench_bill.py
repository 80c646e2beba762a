"""The model of the monthly bill: arithmetic that can be checked by hand."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace

import pytest

from locations import ROOT

sys.path.append(str(ROOT / "bench"))

from assumed import ASSUMED
from bill import Item, Readers, bill, free, renewal, total
from cost import template_assumptions
from figures import Assumptions, Measured, Poll
from levers import cases, saved
from month import Fleet, Month
from prices import LAMBDA_REQUEST, PRICES, S3_WRITE
from tables import Table, usd

MEASURED = Measured(
    unchanged=Poll(reads=0, writes=0, listings=0, log_bytes=300, cpu_s=0.004),
    new=Poll(reads=1, writes=4, listings=0, log_bytes=340, cpu_s=0.03),
    writes_an_entry=1,
    archive_writes=0,
    bookkeeping_writes=0,
    invocation_cpu_s=0.002,
    invocation_log_bytes=760,
    invocation_log_lines=2,
    init_cpu_s=0.3,
    overlap=0.0,
    due_cpu_s=3e-6,
    index_cpu_s=20e-6,
    index_bytes=200,
    known_bytes=200,
    entry_bytes=12_000,
    entry_public_bytes=0,
    state_bytes=300_000,
    document_bytes=300_000,
    document_gzip_bytes=27_000,
    entries_first=30,
    metrics=5,
)
ASSUMPTIONS = Assumptions()
MANY = Fleet(10_000, 900)
ONE = Fleet(1, 300)


def items(fleet: Fleet, assumed: Assumptions = ASSUMPTIONS, **changes: object) -> dict[str, Item]:
    made = bill(fleet, replace(MEASURED, **changes), assumed)
    assert len({item.what for item in made}) == len(made)
    return {item.what: item for item in made}


def test_state_is_read_for_news_alone_and_by_the_index_after_that() -> None:
    assert items(MANY)["S3: GET"].count == 10_000 * 2 * 30
    assert items(MANY)["S3: GET for the feed index"].count == 8640 + 10_000 * 2 * 30
    reading = replace(MEASURED.unchanged, reads=1)
    assert items(MANY, unchanged=reading)["S3: GET"].usd == pytest.approx(11.52)


def test_states_are_listed_at_each_tick_a_thousand_a_request() -> None:
    assert items(MANY)["S3: LIST"].count == 8640 * 10
    assert items(ONE)["S3: LIST"].count == 8640


def test_index_is_written_at_each_tick_after_which_something_changed() -> None:
    assert items(MANY)["S3: PUT of the feed index"].count == 8640
    assert items(ONE)["S3: PUT of the feed index"].count == 60


def test_each_new_entry_is_paid_for_with_four_puts() -> None:
    assert items(MANY)["S3: PUT"].count == 10_000 * 2 * 30 * 4
    together = replace(ASSUMPTIONS, new_a_poll=2)
    assert items(MANY, together)["S3: PUT"].count == 10_000 * 30 * 5


def test_needless_put_a_poll_costs_more_than_all_the_rest() -> None:
    poll = replace(MEASURED.unchanged, writes=1)
    more = items(MANY, unchanged=poll)["S3: PUT"].usd - items(MANY)["S3: PUT"].usd
    assert more == pytest.approx(10_000 * (96 - 2) * 30 * S3_WRITE.usd) == pytest.approx(141)


def test_message_has_a_hundred_feeds_of_a_group_and_a_request_ten_messages() -> None:
    # 3,333 and a third feeds are due in each of 8,640 ticks, in eight groups: five messages each.
    assert items(MANY)["mirror: requests"].count == 40 * 8640
    assert items(MANY)["queue: receives, holds and deletes"].count == 3 * 40 * 8640
    # 667 KB, of which each 64 KB are billed.
    assert items(MANY)["queue: sends"].count == 11 * 8640
    assert items(MANY, known_bytes=20)["queue: sends"].count == 4 * 8640


def test_single_feed_has_a_message_of_its_own() -> None:
    assert items(ONE)["mirror: requests"].count == 8640
    assert items(Fleet(1, 900))["mirror: requests"].count == 2880


def test_batch_waits_once_for_all_of_its_feeds() -> None:
    waiting = items(ONE)["mirror: GB-seconds, waiting for origins and S3"].count
    assert waiting == pytest.approx(8640 * 0.4 * 0.5)
    one_more = replace(ASSUMPTIONS, feeds_a_message=2, groups=1, slowest_s=1.4)
    assert items(Fleet(2, 300), one_more)[
        "mirror: GB-seconds, waiting for origins and S3"
    ].count == pytest.approx(8640 * (0.4 + 0.5) * 0.5)


def test_cpu_time_is_stretched_by_the_share_of_a_cpu() -> None:
    month = Month(ONE, MEASURED, replace(ASSUMPTIONS, vcpu=0.25, core=1.5))
    assert month.billed_s(0.1) == pytest.approx(0.6)


def test_instances_that_idle_for_long_start_anew_at_each_poll() -> None:
    assert Month(Fleet(1, 900), MEASURED, ASSUMPTIONS).inits == 2880
    assert Month(ONE, MEASURED, ASSUMPTIONS).inits == 8640 * 0.25


def test_fixed_items_are_the_same_for_all() -> None:
    fixed = [total(bill(fleet, MEASURED, ASSUMPTIONS), fixed=True) for fleet in (ONE, MANY)]
    assert fixed[0] == fixed[1] == pytest.approx(2 * 0.324 + 12 * 0.3 + 2.4 + 3)


def test_parts_of_the_bill_add_up() -> None:
    made = bill(MANY, MEASURED, ASSUMPTIONS)
    parts = total(made, fixed=True) + total(made, fixed=False)
    assert parts == pytest.approx(total(made)) == pytest.approx(sum(item.usd for item in made))


def test_archive_grows_with_the_months_and_old_versions_do_not() -> None:
    first, twelfth = (items(MANY, replace(ASSUMPTIONS, month=month)) for month in (1, 12))
    entries, versions = "S3: entries and their pages, GB", "S3: old versions, GB"
    assert twelfth[entries].count == pytest.approx(first[entries].count * 750 / 90)
    assert twelfth[versions].count == first[versions].count


def test_readers_are_paid_by_request_and_by_byte() -> None:
    requests, sent, asked = Readers(1000).items(MEASURED, ASSUMPTIONS)
    assert requests.usd == pytest.approx(0.72)
    assert sent.count * 2**30 == pytest.approx(1000 * 30 * (2 * 27_000 + 22 * 600))
    assert asked.count == 20 * 8640


def test_renewal_of_an_archive_is_paid_by_the_request_and_grows_with_it() -> None:
    once, tenfold = (total(renewal(archived)) for archived in (100_000, 1_000_000))
    assert tenfold == pytest.approx(10 * once)
    assert tenfold == pytest.approx(40_000 * (56 * 5e-6 + 89 * 4e-7))


def test_levers_save_and_a_needless_put_does_not() -> None:
    amounts = {
        case[0]: saved(MANY, MEASURED, ASSUMPTIONS, case) for case in cases(MEASURED, ASSUMPTIONS)
    }
    assert amounts["unchanged feeds say nothing in the log"] > 4
    assert amounts["a read of the state a poll (to compare)"] == pytest.approx(-11.28, abs=0.1)
    assert amounts["one needless PUT a poll (to compare)"] == pytest.approx(-141)


def test_free_tier_is_taken_off_once_from_all_items_of_a_price() -> None:
    made = [Item("a", 700_000, LAMBDA_REQUEST), Item("b", 800_000, LAMBDA_REQUEST)]
    assert free(made) == pytest.approx(0.1)
    assert free([Item("a", 1_000, S3_WRITE)]) == pytest.approx(0.005)


def test_each_assumption_is_explained() -> None:
    assert set(ASSUMED) == {field.name for field in fields(Assumptions)}


def test_each_price_says_where_it_is_from() -> None:
    assert all(price.page and price.seen and price.shown.startswith("$") for price in PRICES)
    shown = {price.what: float(price.shown.split()[0].lstrip("$")) for price in PRICES}
    units = {"a million": 1e6, "a thousand": 1e3, "for 10,000": 1e4}
    for price in PRICES:
        unit = units.get(price.shown.partition(" ")[2], 1)
        assert price.usd == pytest.approx(shown[price.what] / unit)


def test_template_says_how_long_versions_and_logs_are_kept() -> None:
    assumed = template_assumptions((ROOT / "template.yaml").read_text())
    assert assumed.version_days >= 2
    assert assumed.log_days >= 1
    assert 0.05 < assumed.vcpu <= 1


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "0"), (1234.5, "1,234.50"), (0.0123, "0.0123"), (1e-6, "<0.0001"), (0.1, "0.10")],
)
def test_dollars_are_shown_as_far_as_a_digit_shows(amount: float, shown: str) -> None:
    assert usd(amount) == shown


def test_table_has_the_same_cells_in_text_and_markdown() -> None:
    table = Table("Sums", ("what", "USD"), [("one", "1.00"), ("eleven", "11.00")])
    assert table.text().splitlines() == ["Sums", "what      USD", "one      1.00", "eleven  11.00"]
    assert "| eleven | 11.00 |" in table.markdown().splitlines()


@pytest.mark.slow
def test_bill_is_made_of_what_the_real_function_does() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "cost.py", "--quick", "--markdown"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    rows = {line.split(" | ")[0].strip("| "): line for line in done.stdout.splitlines()}
    assert rows["unchanged"].startswith("| unchanged | 0 | 0 | 0 |")
    assert rows["1 new entry"].startswith("| 1 new entry | 5 | 8 | 0 |")
    assert rows["fails again"].startswith("| fails again | 1 | 0 | 0 |")
    assert "10,000 feeds, 15 min" in rows
