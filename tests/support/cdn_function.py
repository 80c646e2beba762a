"""The CDN's function, run by Node with the events that CloudFront hands it.

Source: CloudFront Developer Guide, "CloudFront Functions event structure"
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from required_programs import require_program
from template_files import only, source_templates

# Its runtime has neither modules nor the network; what it has of JavaScript, Node has too.
HARNESS = """
const vm = require('node:vm');
const [code, events] = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const context = vm.createContext({});
vm.runInContext("'use strict';\\n" + code, context);
const answers = events.map((event) => {
  context.text = JSON.stringify(event);
  return JSON.parse(vm.runInContext('JSON.stringify(handler(JSON.parse(text)))', context));
});
process.stdout.write(JSON.stringify(answers));
"""

Json = dict[str, Any]


def code() -> str:
    """What the function is deployed as."""
    return only(source_templates().cdn, "AWS::CloudFront::Function")["FunctionCode"]


def event(uri: str, method: str = "GET", **headers: str) -> Json:
    """A viewer request as the guide shows it; names of headers are in lower case there."""
    sent = {"host": "feeds.example.org", "user-agent": "Reader/1.0", "accept": "*/*"} | {
        name.lower().replace("_", "-"): value for name, value in headers.items()
    }
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": "viewer-request",
            "requestId": "EXAMPLEntjQpEXAMPLE_SG5Z-EXAMPLEPmPfEXAMPLEu3EqEXAMPLE==",
        },
        "viewer": {"ip": "198.51.100.11"},
        "request": {
            "method": method,
            "uri": uri,
            "querystring": {"arg1": {"value": "1"}, "arg2": {"value": ""}},
            "headers": {name: {"value": value} for name, value in sent.items()},
            "cookies": {"id": {"value": "CookieIdValue"}},
        },
    }


def answers(*events: Json) -> list[Json]:
    """What the function makes of each event: a request that goes on, or a response."""
    done = subprocess.run(
        [require_program("node"), "-e", HARNESS],
        input=json.dumps([code(), events]),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def location_of(answer: Json) -> str | None:
    """Where the viewer is sent; None: the request goes on, to the cache and the bucket."""
    if "statusCode" not in answer:
        return None
    assert answer["statusCode"] == 302, answer
    return answer["headers"]["location"]["value"]
