"""The measuring itself: what is counted, and what is said of it."""

from __future__ import annotations

import pstats
import sys
from pathlib import Path

import pytest

from locations import ROOT

sys.path.append(str(ROOT / "bench"))

from cold_report import Case, ColdReport, Start, verdicts, write_tables
from jobs import MB
from measure import ProgramFailed, measure
from profiling import profile_worker
from s3 import S3

from bigfeed import big_feed

_BURN = "import time\nwhile time.process_time() < {s}: pass"
_linux = pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")


@_linux
def test_cost_of_a_program_is_that_of_its_children_too(tmp_path: Path) -> None:
    child = _BURN.format(s=0.2)
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    cost = measure([sys.executable, "-c", code], env={}, folder=tmp_path)
    assert cost.cpu_s >= 0.2
    assert 0.1 < cost.children_cpu_s <= cost.cpu_s
    assert cost.tree_peak > MB


def test_program_that_fails_is_no_measurement(tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write('sorry'); sys.exit(3)"
    with pytest.raises(ProgramFailed, match="3: sorry"):
        measure([sys.executable, "-c", code], env={}, folder=tmp_path)


def test_profile_of_a_worker_is_of_the_entries_that_are_new(tmp_path: Path) -> None:
    for version in (0, 1):
        (tmp_path / str(version)).mkdir()
        document = big_feed(3, seed=0, first=version)
        (tmp_path / str(version) / "000.xml").write_bytes(document)

    def calls(*documents: str) -> int:
        profile_worker(str(tmp_path / "profile"), *documents)
        return int(pstats.Stats(str(tmp_path / "profile")).total_calls)  # type: ignore[attr-defined]

    after = str(tmp_path / "1")
    assert calls(after, str(tmp_path / "0")) < calls(after)


def _start(cpu_s: float) -> Start:
    return Start(cpu_s, cpu_s + 0.1, 0.0, 0.0, {"GET": 1})


def _report() -> ColdReport:
    report = ColdReport(memory=[(60 * MB, 30 * MB, 80 * MB)], waits_s={"GET": 0.004})
    for cpu_s in (0.4, 0.5, 0.9):
        report.add(Case.BASELINE, _start(cpu_s))
        report.add(Case.UNCHANGED, _start(cpu_s + 0.1))
        report.add(Case.PARSE, _start(3 * cpu_s))
    return report


def test_cold_start_is_compared_by_the_medians() -> None:
    found = {verdict.what: verdict for verdict in verdicts(_report())}
    assert found["CPU, nothing new"].measured == pytest.approx(1.2)
    assert not found["CPU, nothing new"].over
    assert found["CPU, with a parse"].measured == pytest.approx(3)
    assert found["CPU, with a parse"].over
    assert found["memory, first mirror of a usual feed"].measured == 80


def test_cold_start_s_tables_say_what_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    write_tables(_report())
    said = capsys.readouterr().out
    assert "OVER" in said
    assert "(1 GET: waits 4 ms for moto)" in said


@pytest.mark.slow
def test_requests_to_s3_are_counted_by_method() -> None:
    boto3 = pytest.importorskip("boto3")
    with S3() as s3:
        client = boto3.client(
            "s3", endpoint_url=s3.url, aws_access_key_id="t", aws_secret_access_key="t"
        )
        client.put_object(Bucket="feedmirror-bench", Key="a", Body=b"b")
        with pytest.raises(client.exceptions.NoSuchKey):
            client.get_object(Bucket="feedmirror-bench", Key="missing")
        assert s3.requests() == {"PUT": 1, "GET": 1}
        assert s3.requests() == {}
