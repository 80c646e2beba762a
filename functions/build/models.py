"""Reduce botocore's service models to the operations that the functions call.

botocore loads the models in each process and generates classes from them: smaller ones save a tenth
of a cold start. The remaining shapes are unchanged; a model of an unexpected form stops the build.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wheels import SERVICES, BuildError

_REFERRING = ("member", "key", "value")  # members of a shape that refer to another shape


def cut_models(data: Path) -> None:
    """Reduce the models below `botocore/data`. Raises: BuildError."""
    try:
        for service, operations in SERVICES.items():
            (path,) = (data / service).glob("*/service-2.json*")
            _replace(path, path.with_name("service-2.json"), _cut_service(_read(path), operations))
        endpoints = data / "endpoints.json"
        _replace(endpoints, endpoints, _cut_endpoints(_read(endpoints)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        why = f"botocore's service models have an unexpected form: {error!r}"
        raise BuildError(why) from error


def _read(path: Path) -> Any:
    content = path.read_bytes()
    return json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)


def _replace(old: Path, new: Path, model: Any) -> None:
    old.unlink()
    new.write_text(json.dumps(model, separators=(",", ":")), encoding="utf-8")


def _cut_service(model: dict[str, Any], operations: frozenset[str]) -> dict[str, Any]:
    """Return the model with those operations and their shapes only, without documentation."""
    kept = {name: model["operations"][name] for name in sorted(operations)}
    needed: set[str] = set()
    queue = [
        used["shape"]
        for operation in kept.values()
        for used in (
            *(operation[side] for side in ("input", "output") if side in operation),
            *operation.get("errors", ()),
        )
    ]
    while queue:
        name = queue.pop()
        if name not in needed:
            needed.add(name)
            queue += _referred(model["shapes"][name])
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
        kept = {k: v for k, v in value.items() if k != "documentation" or not isinstance(v, str)}
        return {k: _undocumented(v) for k, v in kept.items()}
    return [_undocumented(item) for item in value] if isinstance(value, list) else value


def _cut_endpoints(model: dict[str, Any]) -> dict[str, Any]:
    """Return the endpoints of the called services, in every partition of AWS."""
    partitions = [
        {**partition, "services": {s: e for s, e in partition["services"].items() if s in SERVICES}}
        for partition in model["partitions"]
    ]
    return {**model, "partitions": partitions}
