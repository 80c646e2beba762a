"""Software bill of materials (SBOM) of the built function, in CycloneDX 1.6.

Lists the packages in the build by their METADATA; hashes and dependencies are those of the lock.
Reproducible, so without serial number and time.
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
_LONGEST_NAME = 80  # of a licence name; some packages put the whole text there


def bill(whole: Path, lock: Path) -> bytes:
    """Render the SBOM of the build in `whole`. Raises: BuildError if it differs from the lock."""
    locked = dict(_locked(lock.read_text("utf-8")))
    infos = sorted(whole.glob("*.dist-info/METADATA"))
    components = [_component(_read(info), locked) for info in infos]
    if missing := locked.keys() - {component["name"] for component in components}:
        raise BuildError(f"{lock.name} names what was not built in: {', '.join(sorted(missing))}")
    ours = _ours(whole)
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": ours},
        "components": components,
        "dependencies": [
            {"ref": part["bom-ref"], "dependsOn": sorted(_needed_by(part["name"], locked))}
            for part in (ours, *components)
        ],
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _ours(whole: Path) -> dict[str, Any]:
    version = _VERSION.search((whole / "feedmirror" / "__init__.py").read_text("utf-8"))
    if version is None:
        raise BuildError("feedmirror/__init__.py has no __version__")
    return {
        "type": "application",
        "bom-ref": _purl("feedmirror", version[1]),
        "name": "feedmirror",
        "version": version[1],
        "licenses": [{"license": {"id": "MIT"}}],
    }


def _component(metadata: Message, locked: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Make the component of one package from its METADATA and the lock."""
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
        # Those of all files in the lock: wheels for all systems, and the source.
        "hashes": [{"alg": "SHA-256", "content": value} for value in pin["hashes"]],
    }


def _licences(metadata: Message) -> list[dict[str, Any]]:
    """Return the licences in the METADATA: an SPDX expression, else classifiers or a name."""
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
    """Yield name, version, hashes and dependents of each package in the lock."""
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
    """Yield the references of the packages that `parent` depends on."""
    for name, pin in locked.items():
        if parent in pin["parents"]:
            yield _purl(name, pin["version"])


def _read(info: Path) -> Message:
    return HeaderParser().parsestr(info.read_text("utf-8"))


def _purl(name: str, version: str) -> str:
    """Return the package URL. Source: package-url, type "pypi"."""
    return f"pkg:pypi/{name}@{version}"


def _canonical(name: str) -> str:
    """Normalize the name of a package. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
