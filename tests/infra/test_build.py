"""The built function holds what it needs and nothing else, the same bytes wherever it is built."""

from __future__ import annotations

import gzip
import io
import json
import re
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

import botocore
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bytecode import MAGIC, compile_all
from function import MTIME, build_id, files, summary
from models import cut_models
from runtime_tools import (
    ENVIRONMENT,
    FUNCTIONS,
    ROOT,
    TOOLS,
    built_function,
    require_lambda_python,
    require_tool,
    run,
    run_build,
)
from sbom import bill
from wheels import MACHINES, SERVICES, BuildError, find_installer, is_needed, merge

UNCHECKED_HASH = 0b01  # PEP 552

_WITH_UV = f"{TOOLS / 'bin'}:{ENVIRONMENT['PATH']}"  # a PATH on which the build finds uv
_QUICKLY = ("--architecture", "x86_64")  # of a build that is refused


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_function(tmp_path_factory)


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    """A copy of functions/, to change."""
    leave_out = shutil.ignore_patterns("__pycache__")
    return shutil.copytree(FUNCTIONS, tmp_path / "functions", ignore=leave_out)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files(folder)}


def elf(number: int) -> bytes:
    """The beginning of a shared library for that machine."""
    return b"\x7fELF" + bytes(14) + number.to_bytes(2, "little")


# ---------------------------------------------------------------- what is in it


@pytest.mark.slow
def test_build_holds_the_package_its_feeds_and_the_locked_dependencies(function: Path) -> None:
    locked = pins(FUNCTIONS / "requirements.txt").items()
    found = [path.name.removesuffix(".dist-info") for path in function.glob("*.dist-info")]

    assert sorted(found) == sorted(
        f"{name.replace('-', '_')}-{version}" for name, version in locked
    )
    assert {path.name for path in function.iterdir() if not path.name.endswith(".dist-info")} == {
        "__pycache__", "aws_lambda_powertools", "boto3", "botocore", "build-id", "dateutil",
        "feedmirror", "feedparser", "feedparser_sgmllib", "feeds.toml", "idna", "jinja2",
        "jmespath", "markupsafe", "msgspec", "nh3", "s3transfer", "sbom.cdx.json", "six.py",
        "typing_extensions.py", "tzdata", "urllib3",
    }  # fmt: skip


@pytest.mark.parametrize("changed", ["feedmirror/site.py", "feeds.toml", "sbom.cdx.json"])
def test_build_of_other_code_settings_or_dependencies_has_another_id(
    tmp_path: Path, changed: str
) -> None:
    (tmp_path / "feedmirror").mkdir()
    for name in ("feedmirror/site.py", "feeds.toml", "sbom.cdx.json"):
        (tmp_path / name).write_text("before")
    before = build_id(tmp_path)
    (tmp_path / changed).write_text("before")
    assert build_id(tmp_path) == before
    (tmp_path / changed).write_text("after")
    assert build_id(tmp_path) != before


@pytest.mark.slow
def test_id_of_the_build_is_in_it(function: Path) -> None:
    assert re.fullmatch("[0-9a-f]{64}", (function / "build-id").read_text())


@pytest.mark.slow
def test_bill_of_materials_names_all_that_is_in_the_build_and_nothing_else(function: Path) -> None:
    """Source: CycloneDX 1.6, whose JSON schema wants these members, of these forms."""
    told = json.loads((function / "sbom.cdx.json").read_bytes())

    assert (told["bomFormat"], told["specVersion"], told["version"]) == ("CycloneDX", "1.6", 1)
    assert "serialNumber" not in told, "it would be another one at each build"
    assert "timestamp" not in told["metadata"]
    assert told["metadata"]["component"]["name"] == "feedmirror"
    for one in told["components"]:
        assert one["type"] == "library"
        assert one["purl"] == one["bom-ref"] == f"pkg:pypi/{one['name']}@{one['version']}"
        assert one["licenses"], one["name"]
        for licence in one["licenses"]:
            assert licence.keys() in ({"expression"}, {"license"})
        assert one["hashes"]
        assert all(re.fullmatch("[0-9a-f]{64}", each["content"]) for each in one["hashes"])
        assert {each["alg"] for each in one["hashes"]} == {"SHA-256"}
    found = {one["name"]: one["version"] for one in told["components"]}
    assert found == pins(FUNCTIONS / "requirements.txt")


@pytest.mark.slow
def test_bill_of_materials_says_what_needs_what(function: Path) -> None:
    told = json.loads((function / "sbom.cdx.json").read_bytes())
    needs = {
        one["ref"].partition("@")[0]: {each.partition("@")[0] for each in one["dependsOn"]}
        for one in told["dependencies"]
    }

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = {canonicalize_name(Requirement(r).name) for r in settings["project"]["dependencies"]}
    assert needs["pkg:pypi/feedmirror"] == {f"pkg:pypi/{name}" for name in asked}
    assert needs["pkg:pypi/boto3"] == {
        f"pkg:pypi/{name}" for name in ("botocore", "jmespath", "s3transfer")
    }
    refs = {one["bom-ref"] for one in (told["metadata"]["component"], *told["components"])}
    assert {one["ref"] for one in told["dependencies"]} == refs
    assert {each for one in told["dependencies"] for each in one["dependsOn"]} <= refs


@pytest.mark.parametrize(
    ("lock", "sentence"),
    [
        ("six==1.0\nnh3==1.0\n", "names what was not built in: nh3"),
        ("six==2.0\n", "six 1.0 was built in, which the lock does not name"),
        ("nh3==1.0\n", "six 1.0 was built in, which the lock does not name"),
    ],
)
def test_bill_that_does_not_match_the_lock_stops_the_build(
    tmp_path: Path, lock: str, sentence: str
) -> None:
    (tmp_path / "feedmirror").mkdir()
    (tmp_path / "feedmirror" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "six-1.0.dist-info").mkdir()
    (tmp_path / "six-1.0.dist-info" / "METADATA").write_text("Name: six\nVersion: 1.0\n")
    (tmp_path / "requirements.txt").write_text(lock)

    with pytest.raises(BuildError, match=sentence):
        bill(tmp_path, tmp_path / "requirements.txt")


@pytest.mark.slow
def test_build_leaves_out_what_no_invocation_needs(function: Path) -> None:
    names = contents(function).keys()

    unwanted = (
        r"(^|/)(tests?|rich|cli|examples)/|\.(pyi|dist-info/RECORD|c|h)$|^feedmirror/(web|__main)"
    )
    assert [name for name in names if re.search(unwanted, name)] == []
    services = {path.name for path in (function / "botocore" / "data").iterdir() if path.is_dir()}
    assert services == SERVICES.keys()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of what botocore has of the services that are called."""
    data = Path(botocore.__file__).parent / "data"
    for service in SERVICES:
        shutil.copytree(data / service, tmp_path / service)
    shutil.copyfile(data / "endpoints.json", tmp_path / "endpoints.json")
    return tmp_path


def described(data: Path, service: str, operation: str) -> dict[str, object]:
    """All that botocore knows of an operation, every shape within it spelled out."""
    (path,) = (data / service).glob("*/service-2.json*")
    content = path.read_bytes()
    model = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)

    def spelled(value: object) -> object:
        if isinstance(value, dict):
            whole = model["shapes"][value["shape"]] if isinstance(value.get("shape"), str) else {}
            return {k: spelled(v) for k, v in {**whole, **value}.items() if k != "documentation"}
        return [spelled(item) for item in value] if isinstance(value, list) else value

    found = spelled(model["operations"][operation])
    assert isinstance(found, dict)
    return found


def test_operations_that_are_called_are_described_as_botocore_has_them(models: Path) -> None:
    calls = [(service, name) for service, names in SERVICES.items() for name in names]
    before = {call: described(models, *call) for call in calls}
    cut_models(models)
    assert {call: described(models, *call) for call in calls} == before
    assert ("s3", "GetObject") in before
    assert "Body" in str(before["s3", "GetObject"])


def test_descriptions_of_all_else_are_left_out(models: Path) -> None:
    cut_models(models)
    for service, operations in SERVICES.items():
        (path,) = (models / service).glob("*/service-2.json*")
        assert json.loads(path.read_text())["operations"].keys() == operations
        assert path.stat().st_size < 60_000
    endpoints = json.loads((models / "endpoints.json").read_text())
    assert {"aws", "aws-cn"} <= {partition["partition"] for partition in endpoints["partitions"]}
    assert (models / "endpoints.json").stat().st_size < 60_000


def test_description_of_another_form_stops_the_build(models: Path) -> None:
    (path,) = (models / "s3").glob("*/service-2.json*")
    path.unlink()
    path.with_name("service-2.json").write_text('{"operations": []}')
    with pytest.raises(BuildError, match="service models have an unexpected form"):
        cut_models(models)


@pytest.mark.slow
def test_every_package_comes_with_its_licence(function: Path) -> None:
    without = [
        info.name
        for info in function.glob("*.dist-info")
        if not any(re.search("licen[cs]e", path.name, re.IGNORECASE) for path in files(info))
    ]

    assert without == []


@pytest.mark.slow
def test_build_runs_on_both_architectures(function: Path) -> None:
    libraries = {n: data for n, data in contents(function).items() if data[:4] == b"\x7fELF"}
    machines = [number for _, number in MACHINES.values()]

    assert {name.split("/")[0] for name in libraries} == {"markupsafe", "msgspec", "nh3"}
    for name, data in libraries.items():
        machine = int.from_bytes(data[18:20], "little")
        assert f"-{'aarch64' if machine == 183 else 'x86_64'}-linux-gnu.so" in name
    found = sorted(int.from_bytes(d[18:20], "little") for d in libraries.values())
    assert found == sorted(machines * 3)


@pytest.mark.slow
def test_every_module_comes_compiled_for_good(function: Path) -> None:
    """Lambda could not store what it compiles, and would compile it again at every cold start."""
    for source in function.rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        header = compiled.read_bytes()[:8]
        assert header[:4].hex() == MAGIC, compiled
        assert int.from_bytes(header[4:], "little") == UNCHECKED_HASH, compiled
    code = (function / "feedmirror" / "__pycache__" / "refresh.cpython-313.pyc").read_bytes()
    assert b"/var/task/feedmirror/refresh.py" in code  # what a traceback says


@pytest.mark.slow
def test_everything_of_ours_in_the_build_can_be_imported_with_nothing_around_it(
    function: Path,
) -> None:
    modules = [
        path.relative_to(function).with_suffix("").as_posix().replace("/", ".")
        for path in (function / "feedmirror").rglob("*.py")
    ]
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in sys.argv[2:]: __import__(name.removesuffix('.__init__'))\n"
        "import feedparser, nh3, boto3; from aws_lambda_powertools.metrics import Metrics\n"
        "boto3.client('s3', region_name='us-east-1')\n"
    )

    python = [require_lambda_python(), "-I", "-S", "-W", "error::ImportWarning", "-c", program]
    done = run([*python, function, *modules], cwd=function, env=ENVIRONMENT)

    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_all_templates_of_the_build_are_compiled(function: Path) -> None:
    templates = function / "feedmirror" / "publishing" / "pages" / "templates"
    assert {path.name for path in (templates / "__pycache__").iterdir()} == {
        f"{path.name}.cpython-313.pyc" for path in templates.glob("*.html")
    }


@pytest.mark.slow
def test_build_is_small_enough_to_start_fast(function: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents(function).items():
            archive.writestr(name, data)

    assert len(packed.getvalue()) < 12_000_000
    assert sum(len(data) for data in contents(function).values()) < 30_000_000


# ---------------------------------------------------------------- the same wherever it is made


@pytest.mark.slow
def test_pip_of_another_python_builds_the_same_bytes_as_uv(function: Path, tmp_path: Path) -> None:
    found = run([ROOT / "tools" / "find-python", "3.11"], cwd=ROOT, env=ENVIRONMENT)
    python = found.stdout.strip() if found.returncode == 0 else require_lambda_python()

    options = ("--installer", "pip", "--architecture", "x86_64")
    done = run_build("--out", tmp_path / "pip", *options, python=python)

    assert done.returncode == 0, done.stdout
    whole, part = contents(function), contents(tmp_path / "pip")
    assert whole.keys() - part.keys() == {
        "markupsafe/_speedups.cpython-313-aarch64-linux-gnu.so",
        "msgspec/_core.cpython-313-aarch64-linux-gnu.so",
        "nh3/nh3.cpython-313-aarch64-linux-gnu.so",
    }
    assert [name for name in part if part[name] != whole[name]] == []


@pytest.mark.slow
def test_sam_builds_the_same_bytes_from_anywhere(
    function: Path, functions: Path, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "template.yaml", tmp_path)
    shutil.copytree(ROOT / "infra", tmp_path / "infra")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    env = {**ENVIRONMENT, "PATH": _WITH_UV}
    options = ["--build-dir", tmp_path / "built", "--cached", "--cache-dir", tmp_path / "cache"]

    build = [require_tool("sam"), "build", "--template", tmp_path / "template.yaml", *options]
    done = run([*build], cwd=elsewhere, env=env)

    assert done.returncode == 0, done.stdout
    for name in ("DispatchFunction", "MirrorFunction"):
        assert summary(tmp_path / "built" / name) == summary(function)


@pytest.mark.slow
def test_files_have_the_same_times_and_modes_at_each_build(function: Path) -> None:
    for path in (function, *function.rglob("*")):
        assert path.stat().st_mtime == MTIME, path
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


# ---------------------------------------------------------------- what is refused


@pytest.mark.slow
def test_feeds_that_the_function_would_refuse_are_refused_by_the_build(
    functions: Path, tmp_path: Path
) -> None:
    with (functions / "feeds.toml").open("a") as file:
        file.write("kep = 3\n")
    line = len((functions / "feeds.toml").read_text().splitlines())

    done = run_build(*_QUICKLY, "--out", tmp_path / "out", functions=functions, path=_WITH_UV)

    assert done.returncode == 1
    assert f"feeds.toml:{line}: feeds.example.kep: is unknown; did you mean 'keep'?" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("holds", [["notes.txt"], ["feedmirror", "feeds.toml", "Makefile"]])
def test_folder_that_is_no_earlier_build_is_left_as_it_is(tmp_path: Path, holds: list[str]) -> None:
    for name in holds:
        (tmp_path / name).write_text("mine")

    done = run_build("--out", tmp_path)

    assert done.returncode == 1
    assert "empty it first" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(holds)


@pytest.mark.slow
def test_wheel_that_is_not_the_locked_one_is_refused(functions: Path, tmp_path: Path) -> None:
    lock = functions / "requirements.txt"
    hashes = re.compile(r"^(six==.*\n)(?:    --hash=.*\n)+", re.MULTILINE)
    wrong, replaced = hashes.subn(rf"\1    --hash=sha256:{'0' * 64}\n", lock.read_text())
    lock.write_text(wrong)
    assert replaced == 1

    done = run_build(*_QUICKLY, "--out", tmp_path / "out", functions=functions, path=_WITH_UV)

    assert done.returncode == 1
    assert "could not install requirements.txt" in done.stdout
    assert not (tmp_path / "out").exists()


def test_library_for_another_machine_is_refused(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    (installed / "nh3").mkdir(parents=True)
    (installed / "nh3" / "nh3.abi3.so").write_bytes(elf(62))

    with pytest.raises(BuildError, match=r"nh3/nh3\.abi3\.so is not for arm64"):
        merge(installed, "arm64", tmp_path / "whole")


def test_file_that_two_architectures_have_differently_is_refused(tmp_path: Path) -> None:
    for name in MACHINES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "module.py").write_text(f"machine = {name!r}")
    merge(tmp_path / "arm64", "arm64", tmp_path / "whole")

    with pytest.raises(BuildError, match=r"module\.py differs between architectures"):
        merge(tmp_path / "x86_64", "x86_64", tmp_path / "whole")


def test_machine_with_neither_uv_nor_pip_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", shutil.which("false", path="/bin:/usr/bin"))

    with pytest.raises(BuildError, match=r"neither uv nor pip"):
        find_installer()


def test_build_without_lambdas_python_says_what_that_costs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "module.py").write_text("")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PYENV_ROOT", "/nowhere")
    monkeypatch.setattr(sys, "executable", shutil.which("false", path="/bin:/usr/bin"))

    compile_all(tmp_path)

    assert "no Python 3.13 found" in capsys.readouterr().out
    assert list(tmp_path.rglob("*.pyc")) == []


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("botocore/data/s3/2006-03-01/service-2.json.gz", True),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
        ("boto3/data/s3/2006-03-01/resources-1.json", True),
        ("boto3/examples/s3.rst", False),
        ("nh3-0.3.8.dist-info/METADATA", True),
        ("nh3-0.3.8.dist-info/licenses/LICENSE", True),
        ("nh3-0.3.8.dist-info/RECORD", False),
        ("bin/jp.py", False),
        ("six.py", True),
    ],
)
def test_of_a_dependency_only_what_is_read_goes_along(name: str, needed: bool) -> None:
    assert is_needed(name) is needed


# ---------------------------------------------------------------- the locks


def pins(path: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([^\s\\]+)", path.read_text("utf-8"), flags=re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("name", ["functions/requirements.txt", "requirements/sam.txt"])
def test_lock_pins_every_package_by_its_hashes(name: str) -> None:
    lines = re.sub(r"\\\n", "", (ROOT / name).read_text("utf-8")).splitlines()
    requirements = [line for line in lines if line and not line.lstrip().startswith("#")]

    assert requirements
    for line in requirements:
        assert re.match(r"[\w.-]+(?:\[[\w, ]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}\b", line), line


def test_function_gets_the_versions_that_are_tested_and_all_that_it_asks_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    locked, tested = pins(FUNCTIONS / "requirements.txt"), pins(ROOT / "requirements" / "dev.txt")

    assert locked.items() <= tested.items()
    asked = {canonicalize_name(Requirement(r).name) for r in settings["project"]["dependencies"]}
    assert asked <= locked.keys()


def test_lock_of_the_function_has_no_conditions() -> None:
    """pip would look at them with the Python that it runs on, which is not Lambda's."""
    assert ";" not in (FUNCTIONS / "requirements.txt").read_text("utf-8")


def test_tools_are_those_that_the_project_asks_for() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    locked = pins(ROOT / "requirements" / "sam.txt")

    for requirement in map(Requirement, settings["dependency-groups"]["sam"]):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)])
