"""AWS on this machine: MiniStack on loopback, over TLS, in a process of its own that enforces IAM.

    with EmulatedAws(folder) as aws:
        aws.sam("deploy", cwd=project)
        aws.client("s3").list_buckets()
        page = aws.view("https://d111111abcdef8.cloudfront.net/tides/rss.xml")

The functions that it runs are processes of this machine, on its own Python, which may ask servers
on loopback as well. It is in `.venv-ministack`, which `make test` makes: it wants other versions
than the project.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from boto3.session import Session
from botocore.config import Config

from required_programs import require_program
from runtime_emulator import children, eventually
from runtime_tools import ENVIRONMENT, ROOT, require_tool, run

_REGION = "us-east-1"
_LONGEST_S = 600  # that it may live, whatever becomes of the tests
_STARTS_WITHIN_S = 30
# Those of the account's owner, as far as it knows; a function has those of its role.
_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True, slots=True)
class Page:
    """What a viewer gets."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def require_ministack() -> list[str]:
    """The command that starts the emulator; without what it needs, as `require_program`."""
    programs = ROOT / ".venv-ministack" / "bin"
    require_program(str(programs / "ministack"))
    require_program("node")  # it runs the functions of the CDN
    require_program("openssl")  # it makes the certificate
    return [str(programs / "python"), str(Path(__file__).with_name("emulated_aws_server.py"))]


@dataclass(slots=True)
class EmulatedAws:
    """An account with nothing in it, from `with` to the end of it."""

    folder: Path  # for its log, and the code of functions
    port: int = 0
    _process: subprocess.Popen[bytes] = field(init=False)
    _session: Session = field(init=False)

    def __enter__(self) -> EmulatedAws:
        self._session = Session(*_KEYS.values(), region_name=_REGION)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        # Without AUTH whoever asks is allowed everything. Source: MiniStack, "Configuration"
        settings = {"AUTH": "true", "USE_SSL": "true", "TMPDIR": str(self.folder)}
        settings |= {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port)}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["timeout", "--kill-after=5", str(_LONGEST_S), *require_ministack()],
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], **settings},  # functions have what it has
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._answers, self.log, within_s=_STARTS_WITHIN_S)
        return self

    def __exit__(self, *_: object) -> None:
        left = _descendants(self._process.pid)
        self._process.terminate()
        self._process.wait(30)
        for pid in left:  # functions, which may have begun others
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def url(self) -> str:
        """Where all its services are."""
        return f"https://127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        """A client of boto3 for the account's owner, who may do anything."""
        return self._client(self._session, service)

    def plain_client(self, service: str, user: str) -> Any:
        """A client that comes over plain HTTP, for a new user of that name who may do anything."""
        iam = self.client("iam")
        iam.create_user(UserName=user)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        iam.put_user_policy(UserName=user, PolicyName="Everything", PolicyDocument=document)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        session = Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=_REGION)
        made = self._client(session, service)

        def say_so(request: Any, **_: object) -> None:
            request.headers["X-Forwarded-Proto"] = "http"

        made.meta.events.register("before-sign", say_so)
        return made

    def _client(self, session: Session, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        return session.client(
            service, endpoint_url=self.url, verify=self._certificate, config=config
        )

    def sam(self, *argv: str, cwd: Path) -> str:
        """What the SAM CLI said; it has to succeed, and talks to this account."""
        settings = {"AWS_ENDPOINT_URL": self.url, "AWS_CA_BUNDLE": self._certificate}
        settings |= {"SAM_CLI_POLL_DELAY": "0.2"}  # seconds
        done = run([require_tool("sam"), *argv], cwd=cwd, env=ENVIRONMENT | _KEYS | settings)
        assert done.returncode == 0, f"{done.stdout}\n{self.log()[-5000:]}"
        return done.stdout

    def view(self, address: str, method: str = "GET", **headers: str) -> Page:
        """What the CDN answers to a viewer; in names of headers, _ stands for -."""
        asked = urlsplit(address)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        # It tells distributions by their host names, and the viewer's protocol from this header.
        sent |= {"Host": asked.netloc, "X-Forwarded-Proto": asked.scheme}
        return self.request(method, asked.path or "/", sent)

    def request(self, method: str, path: str, headers: dict[str, str]) -> Page:
        """What it answers to a request that nobody has signed."""
        context = ssl.create_default_context(cafile=self._certificate)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=30, context=context
        )
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return Page(response.status, response.headers, response.read())
        finally:
            connection.close()

    def log(self) -> str:
        """All that it has said, of the functions too."""
        return self._log.read_text(errors="replace")

    @property
    def _log(self) -> Path:
        return self.folder / "ministack.log"

    @property
    def _certificate(self) -> str:
        return str(self.folder / "ministack-tls" / "server.crt")

    def _answers(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/_ministack/health", {}).status == 200
        assert self._process.poll() is None, self.log()
        return False


def _descendants(pid: int) -> list[int]:
    found, parents = [], [pid]
    while parents:
        parents = [child for parent in parents for child in children(parent)]
        found += parents
    return found[1:]  # the first is the emulator, a child of `timeout`
