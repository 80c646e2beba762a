"""Templates are compiled once, and what is kept of them is trusted only as it was written."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import pytest

from feedmirror.publishing.pages import compiled


@pytest.fixture(autouse=True)
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one template, of which nothing is compiled yet."""
    monkeypatch.setattr(compiled, "_TEMPLATES", tmp_path)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "greeting.html").write_text("Hello, {{ name|loud }}!")
    return tmp_path


def rendered() -> str:
    """The template, rendered by an environment that has just been made."""
    made = compiled.environment({"loud": str.upper})
    return made.get_template("greeting.html").render(name="<you>")


def kept(templates: Path) -> Path:
    [file] = (templates / "__pycache__").iterdir()
    return file


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be compiled any more."""
    rendered()
    monkeypatch.delattr(jinja2.Environment, "compile")


@pytest.mark.usefixtures("without_compiler")
def test_template_that_was_compiled_is_not_compiled_again():
    assert rendered() == "Hello, &lt;YOU&gt;!"


@pytest.mark.usefixtures("without_compiler")
def test_template_that_changed_is_compiled_again(templates):
    (templates / "greeting.html").write_text("Bye, {{ name|loud }}!")
    with pytest.raises(AttributeError, match="compile"):
        rendered()


@pytest.mark.usefixtures("without_compiler")
@pytest.mark.parametrize("option", ["autoescape", "trim_blocks"])
def test_template_is_compiled_again_for_other_options(monkeypatch, option):
    monkeypatch.setitem(compiled._OPTIONS, option, False)
    with pytest.raises(AttributeError, match="compile"):
        rendered()


@pytest.mark.parametrize("place", [0, 40, -1])
def test_damaged_file_is_replaced(templates, place):
    rendered()
    whole = kept(templates).read_bytes()
    damaged = bytearray(whole)
    damaged[place] ^= 1
    kept(templates).write_bytes(damaged)
    assert rendered() == "Hello, &lt;YOU&gt;!"
    assert len(kept(templates).read_bytes()) == len(whole)
    assert kept(templates).read_bytes() != damaged


@pytest.mark.parametrize("content", [b"", bytes(5000)])
def test_file_that_lost_its_content_is_replaced(templates, content):
    rendered()
    kept(templates).write_bytes(content)
    assert rendered() == "Hello, &lt;YOU&gt;!"
    assert kept(templates).read_bytes() != content


def test_template_is_rendered_where_nothing_can_be_kept(templates):
    (templates / "__pycache__").write_text("a file, where a folder belongs")
    assert rendered() == "Hello, &lt;YOU&gt;!"


def test_nothing_is_kept_where_python_keeps_no_bytecode(templates, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered() == "Hello, &lt;YOU&gt;!"
    assert not (templates / "__pycache__").exists()


def test_place_of_the_package_is_no_part_of_what_is_kept(templates):
    rendered()
    assert str(templates).encode() not in kept(templates).read_bytes()
