"""The bill of materials of the built function: what it is made of, for scanners and for people.

CycloneDX 1.6, the same bytes at each build: so without a serial number and a time. It says what
lies in the build, by its METADATA; the lock adds hashes and who needs what.
Source: CycloneDX 1.6 JSON reference (ECMA-424).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

from wheels import BuildError

NAME = "sbom.cdx.json"
_PIN = re.compile(r"([A-Za-z0-9._-]+)==([^\s\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_PARENT = re.compile(r"#\s+(?:via\s+)?([A-Za-z0-9._-]+)(?: \(pyproject\.toml\))?$")
_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)
_CLASSIFIED = "License :: OSI Approved :: "
_LONGEST_NAME = 80  # of a licence; some write all of it there


def bill(whole: Path, lock: Path) -> bytes:
    """The bill of what lies in `whole`, as JSON. Raises: BuildError if the lock names others."""
    locked = dict(_locked(lock.read_text("utf-8")))
    infos = sorted(whole.glob("*.dist-info/METADATA"))
    components = [_component(_read(info), locked) for info in infos]
    if missing := locked.keys() - {component["name"] for component in components}:
        raise BuildError(f"{lock.name} names what was not built in: {', '.join(sorted(missing))}")
    ours = _ours(whole)
    told = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": ours},
        "components": components,
        "dependencies": [
            {"ref": one["bom-ref"], "dependsOn": sorted(_needed_by(one["name"], locked))}
            for one in (ours, *components)
        ],
    }
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()


def _ours(whole: Path) -> dict[str, Any]:
    version = _VERSION.search((whole / "feedmirror" / "__init__.py").read_text("utf-8"))
    if version is None:
        raise BuildError("feedmirror does not say which version it is")
    return {
        "type": "application",
        "bom-ref": _purl("feedmirror", version[1]),
        "name": "feedmirror",
        "version": version[1],
        "licenses": [{"license": {"id": "MIT"}}],
    }


def _component(metadata: Message, locked: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One package, as its METADATA and the lock have it."""
    name, version = _canonical(metadata["Name"]), metadata["Version"]
    pin = locked.get(name)
    if pin is None or pin["version"] != version:
        raise BuildError(f"{name} {version} was built in, which the lock does not name")
    return {
        "type": "library",
        "bom-ref": _purl(name, version),
        "name": name,
        "version": version,
        "purl": _purl(name, version),
        "licenses": _licences(metadata),
        # Of each file that the lock admits: of the wheels for all systems, and of the source.
        "hashes": [{"alg": "SHA-256", "content": value} for value in pin["hashes"]],
    }


def _licences(metadata: Message) -> list[dict[str, Any]]:
    """What the package says of its licence, best of all as an expression of SPDX."""
    if expression := metadata["License-Expression"]:
        return [{"expression": expression}]
    classified = [
        value.removeprefix(_CLASSIFIED)
        for value in metadata.get_all("Classifier", [])
        if value.startswith(_CLASSIFIED)
    ]
    named = (metadata["License"] or "").strip().partition("\n")[0][:_LONGEST_NAME]
    return [{"license": {"name": name}} for name in classified or [named] if name]


def _locked(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """By name, what the lock says of each package: version, hashes, and what it is there for."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    for block in blocks:
        pin = _PIN.match(block)
        if pin:
            lines = (line.strip() for line in block.splitlines())
            parents = [found[1] for line in lines if (found := _PARENT.match(line))]
            yield (
                _canonical(pin[1]),
                {
                    "version": pin[2],
                    "hashes": sorted(_HASH.findall(block)),
                    "parents": {_canonical(parent) for parent in parents if parent != "via"},
                },
            )


def _needed_by(parent: str, locked: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The references of what a package needs."""
    for name, pin in locked.items():
        if parent in pin["parents"]:
            yield _purl(name, pin["version"])


def _read(info: Path) -> Message:
    return HeaderParser().parsestr(info.read_text("utf-8"))


def _purl(name: str, version: str) -> str:
    """Source: package-url, type "pypi"."""
    return f"pkg:pypi/{name}@{version}"


def _canonical(name: str) -> str:
    """Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
