"""botocore's descriptions of AWS, cut to what the function calls.

botocore reads them anew in each process, and makes classes and a client of them: cutting them saves
a tenth of a cold start. What is left is as botocore has it, down to the last shape; a description
that is not of the expected form stops the build.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wheels import SERVICES, BuildError

_REFERRING = ("member", "key", "value")  # members of a shape that name another one


def cut_models(data: Path) -> None:
    """Cut the descriptions below `botocore/data`. Raises: BuildError."""
    try:
        for service, operations in SERVICES.items():
            (path,) = (data / service).glob("*/service-2.json*")
            _replace(path, path.with_name("service-2.json"), _cut_service(_read(path), operations))
        endpoints = data / "endpoints.json"
        _replace(endpoints, endpoints, _cut_endpoints(_read(endpoints)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        why = f"botocore describes AWS in another way than expected: {error!r}"
        raise BuildError(why) from error


def _read(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def _replace(old: Path, new: Path, model: Any) -> None:
    old.unlink()
    new.write_text(json.dumps(model, separators=(",", ":")), encoding="utf-8")


def _cut_service(model: dict[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """The model with those operations and the shapes that they need, without documentation."""
    kept = {name: model["operations"][name] for name in sorted(operations)}
    needed: set[str] = set()
    ahead = [
        used["shape"]
        for operation in kept.values()
        for used in (
            *(operation[side] for side in ("input", "output") if side in operation),
            *operation.get("errors", ()),
        )
    ]
    while ahead:
        name = ahead.pop()
        if name not in needed:
            needed.add(name)
            ahead += _referred(model["shapes"][name])
    shapes = {name: model["shapes"][name] for name in sorted(needed)}
    return {**model, "operations": _undocumented(kept), "shapes": _undocumented(shapes)}


def _referred(shape: dict[str, Any]) -> Iterator[str]:
    for member in shape.get("members", {}).values():
        yield member["shape"]
    for name in _REFERRING:
        if name in shape:
            yield shape[name]["shape"]


def _undocumented(value: Any) -> Any:
    if isinstance(value, dict):
        said = {k: v for k, v in value.items() if k != "documentation" or not isinstance(v, str)}
        return {k: _undocumented(v) for k, v in said.items()}
    return [_undocumented(item) for item in value] if isinstance(value, list) else value


def _cut_endpoints(model: dict[str, Any]) -> dict[str, Any]:
    """Every partition of AWS, with the regions of the services that are called."""
    partitions = [
        {**partition, "services": {s: e for s, e in partition["services"].items() if s in SERVICES}}
        for partition in model["partitions"]
    ]
    return {**model, "partitions": partitions}
