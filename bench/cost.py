"""The monthly bill: `python bench/cost.py`. README.md says how it comes about."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cost_tables import all_tables, write_json
from counting import Counted, count_polls, due_cpu_s, measure_index
from figures import Assumptions, Measured, Poll
from jobs import ROOT
from stage import Count
from warm import Cpu, measure_cpu

_QUICK_INIT_S = 0.5  # not measured then


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 whatever the bill comes to."""
    arguments = _parse_options(argv)
    counted = count_polls()
    cpu = _quick(counted) if arguments.quick else measure_cpu(arguments.function)
    measured = _put_together(counted, cpu)
    assumed = template_assumptions((ROOT / "template.yaml").read_text())
    if arguments.core:
        assumed = replace(assumed, core=arguments.core)
    load = os.getloadavg()[0]
    if arguments.json:
        write_json(measured, assumed)
        return 0
    if arguments.quick:
        print("CPU times are of this process, without boto3 and the runtime: too low by far\n")
    for table in all_tables(counted, measured, assumed, load):
        print(table.markdown() if arguments.markdown else table.text(), end="\n\n")
    return 0


def _parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cost.py", description="Model the monthly bill. bench/README.md says how."
    )
    add = parser.add_argument
    add("--function", type=Path, metavar="DIR", help="a build of functions/build/function.py")
    add("--core", type=float, metavar="X", help="CPU seconds of Lambda's vCPU for one here")
    add("--markdown", action="store_true", help="tables for a document")
    add("--json", action="store_true", help="one JSON document instead of tables")
    add("--quick", action="store_true", help="no build, no S3: CPU times are rough and too low")
    return parser.parse_args(argv)


def template_assumptions(template: str) -> Assumptions:
    """The assumptions, as far as the template says otherwise: what is deployed is what is paid."""
    versions = re.findall(r"NoncurrentDays: (\d+)", template)
    log_days = re.search(r"LogRetentionDays:.*?Default: (\d+)", template, re.DOTALL)
    memory_mb = re.search(r"^  Memory:.*?Default: (\d+)", template, re.DOTALL | re.MULTILINE)
    if not (len(versions) == 2 and log_days and memory_mb):
        sys.exit("template.yaml does not say how long old versions and logs are kept")
    return Assumptions(
        version_days=int(versions[0]) + 1,  # S3 rounds up to the next midnight
        public_version_days=int(versions[1]) + 1,
        log_days=int(log_days[1]),
        memory_gb=int(memory_mb[1]) / 1024,
        vcpu=min(1.0, int(memory_mb[1]) / 1769),
    )


def _quick(counted: Counted) -> Cpu:
    return Cpu(_QUICK_INIT_S, 0.0, counted.unchanged.cpu_s, counted.new.cpu_s)


def _put_together(counted: Counted, cpu: Cpu) -> Measured:
    other = counted.unchanged.other_lines
    index = measure_index()
    return Measured(
        unchanged=_poll(counted.unchanged, cpu.unchanged_s),
        new=_poll(counted.new, cpu.new_s),
        writes_an_entry=(counted.several.writes - counted.new.writes) / 4,
        archive_writes=counted.archive_writes,
        bookkeeping_writes=counted.bookkeeping_writes,
        invocation_cpu_s=cpu.invocation_s,
        invocation_log_bytes=sum(len(line.encode()) for line in other),
        invocation_log_lines=len(other),
        init_cpu_s=cpu.init_s,
        overlap=cpu.overlap,
        due_cpu_s=due_cpu_s(),
        index_cpu_s=index.cpu_s,
        index_bytes=index.gzip_bytes,
        known_bytes=index.known_bytes,
        entry_bytes=counted.sizes.entry,
        entry_public_bytes=counted.sizes.entry_public,
        state_bytes=counted.sizes.state,
        document_bytes=counted.sizes.documents,
        document_gzip_bytes=counted.sizes.reader_gzip,
        entries_first=counted.entries_first,
        metrics=counted.metrics,
    )


def _poll(count: Count, cpu_s: float) -> Poll:
    return Poll(
        count.reads, count.writes, count.listings, count.log_bytes, cpu_s, len(count.feed_lines)
    )


if __name__ == "__main__":
    sys.exit(main())
