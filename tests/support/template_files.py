"""The templates as data, what stands in them filled in, and mistakes planted in them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from runtime_tools import ROOT

Json = dict[str, Any]

MISSING = object()  # the value of what a mistake leaves out

_PARTS = {"root": "template.yaml", "cdn": "infra/cdn.yaml"}
_PARTS |= {"observability": "infra/observability.yaml"}
_PLAIN = {"Ref", "Condition"}  # functions whose long form has no "Fn::"


@dataclass(frozen=True, slots=True)
class Templates:
    """The whole stack: what CloudFormation gets, or of `root` what SAM does."""

    root: Json
    cdn: Json
    observability: Json

    def parts(self) -> dict[str, Json]:
        return {"root": self.root, "cdn": self.cdn, "observability": self.observability}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML with the short forms of CloudFormation's functions."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    name = suffix if suffix in _PLAIN else f"Fn::{suffix}"
    value: object
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_Loader.add_multi_constructor("!", _function)


@cache
def source_templates() -> Templates:
    """The templates as they are written, functions in their long form. Not to be changed."""
    texts = {part: (ROOT / name).read_text("utf-8") for part, name in _PARTS.items()}
    return Templates(**{part: yaml.load(text, _Loader) for part, text in texts.items()})


# ---------------------------------------------------------------- looking at them


def of_type(template: Json, kind: str) -> Json:
    """The resources of that type, by their names."""
    return {n: r for n, r in template["Resources"].items() if r["Type"] == kind}


def only(template: Json, kind: str) -> Json:
    """The properties of the only resource of that type."""
    found = of_type(template, kind)
    assert len(found) == 1, f"{len(found)} of {kind}"
    return next(iter(found.values()))["Properties"]


def properties(template: Json, name: str) -> Json:
    """The properties of that resource."""
    return template["Resources"][name]["Properties"]


def listed(value: object) -> list[Any]:
    """The members of what IAM takes as one or as a list."""
    return value if isinstance(value, list) else [value]


def get_att(resource: str, attribute: str) -> Json:
    return {"Fn::GetAtt": [resource, attribute]}


def sub(text: str) -> Json:
    return {"Fn::Sub": text}


def within(value: object) -> Iterator[tuple[str, Any]]:
    """Every key with its value, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from within(inner)


def substituted(value: Any, values: Mapping[str, str], conditions: Mapping[str, bool]) -> str:
    """The text that `Fn::Sub` and `Fn::If` come to; `values` has each variable by its name."""
    if isinstance(value, str):
        return value
    if "Fn::If" in value:
        condition, if_true, if_false = value["Fn::If"]
        return substituted(if_true if conditions[condition] else if_false, values, conditions)
    text, more = value["Fn::Sub"], {}
    if isinstance(text, list):
        text, more = text
    own = {name: substituted(inner, values, conditions) for name, inner in more.items()}
    return re.sub(r"\$\{([^}!]+)\}", lambda found: {**values, **own}[found[1]], text)


# ---------------------------------------------------------------- planting mistakes

Check = Callable[[Templates], None]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What somebody might do to a template, and the check that has to notice."""

    check: Check
    place: str  # part/key/key/...; a number is a place in a list
    value: Any = MISSING  # in place of what is there; without it, that is left out

    def __str__(self) -> str:
        said = "" if self.value is MISSING else f"={self.value}"
        return f"{self.check.__name__}:{self.place}{said}"[:120]


def planted(templates: Templates, mistake: Mistake) -> Templates:
    """The templates with that mistake. Raises: LookupError if there is no such place."""
    parts = copy.deepcopy(templates.parts())
    part, *path, last = mistake.place.split("/")
    at: Any = parts[part]
    for key in path:
        at = at[int(key) if isinstance(at, list) else key]
    key = int(last) if isinstance(at, list) else last
    if mistake.value is MISSING:
        del at[key]
    elif isinstance(at, list) and key == len(at):
        at.append(mistake.value)
    else:
        assert at.get(key) != mistake.value if isinstance(at, dict) else at[key] != mistake.value
        at[key] = mistake.value
    return Templates(**parts)
