"""The template as CloudFormation gets it, on stdout as JSON; no test, run by the tools' Python.

    .venv-sam/bin/python tests/support/runtime_translate.py template.yaml

As `sam deploy` does it, but for AWS's own names of policies, which nothing here asks for. Nested
templates stay where they are: they have nothing that would be translated.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoPolicies(ManagedPolicyLoader):
    """What would ask IAM."""

    def __init__(self) -> None:
        super().__init__(None)

    def load(self) -> dict[str, str]:
        """No policies, by name."""
        return {}


def main(path: Path) -> None:
    """Print the template."""
    template = yaml_parse(path.read_text("utf-8"))
    # As once it has been uploaded.
    template["Globals"]["Function"]["CodeUri"] = {"Bucket": "code", "Key": "function.zip"}
    json.dump(transform(template, {}, NoPolicies()), sys.stdout, indent=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
