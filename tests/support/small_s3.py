"""S3 in a dict: what a store asks of a bucket, and no more.

moto answers the same to the same requests and takes ten times as long for each, which sweeps over
thousands of faults would spend most of their time with. `test_s3_store.py` shows that a store
cannot tell the two apart.
"""

from __future__ import annotations

import threading
from hashlib import md5
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from s3_server import Answer, error_answer

_PAGE = 1_000  # names that a listing has at most
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class SmallS3:
    """One bucket; `objects` has the bodies and codings by name."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self._lock = threading.Lock()

    def get(self, url: str) -> Answer:
        """Return the answer to GET: an object, or a page of a listing."""
        parts = urlsplit(url)
        name = unquote(parts.path.removeprefix("/"))
        if not name:
            return self._listed({key: value[0] for key, value in parse_qs(parts.query).items()})
        if name not in self.objects:
            return error_answer(404, "NoSuchKey")
        body, coding = self.objects[name]
        headers = {"ETag": _etag(body), "Content-Length": str(len(body))}
        return Answer(200, headers | ({"Content-Encoding": coding} if coding else {}), body)

    def put(self, url: str, condition: str, body: bytes, coding: str) -> Answer:
        """Return the answer to PUT with that value of If-None-Match ("*") or If-Match (an ETag).

        Source: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes"
        """
        name = unquote(urlsplit(url).path.removeprefix("/"))
        with self._lock:
            found = self.objects.get(name)
            if found is None and condition != "*":
                return error_answer(404, "NoSuchKey")
            if found is not None and condition != _etag(found[0]):
                return error_answer(412, "PreconditionFailed")
            self.objects[name] = body, coding
        return Answer(200, {"ETag": _etag(body)}, b"")

    def _listed(self, query: dict[str, str]) -> Answer:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        found: dict[str, bool] = {}  # names, and True for what folders have in common
        for name in sorted(self.objects):
            if name.startswith(prefix):
                rest = name.removeprefix(prefix)
                is_below = bool(delimiter) and delimiter in rest
                found[prefix + rest.partition(delimiter)[0] + delimiter if is_below else name] = (
                    is_below
                )
        later = [name for name in found if name > query.get("continuation-token", "")]
        page = later[:_PAGE]
        listed = "".join(self._element(name, is_folder=found[name]) for name in page)
        if len(later) > _PAGE:
            listed += f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>"
        truncated = str(len(later) > _PAGE).lower()
        xml = f"<IsTruncated>{truncated}</IsTruncated><EncodingType>url</EncodingType>{listed}"
        body = f'<ListBucketResult xmlns="{_NAMESPACE}">{xml}</ListBucketResult>'
        return Answer(200, {"Content-Type": "application/xml"}, body.encode())

    def _element(self, name: str, *, is_folder: bool) -> str:
        if is_folder:
            return f"<CommonPrefixes><Prefix>{quote(name)}</Prefix></CommonPrefixes>"
        etag = escape(_etag(self.objects[name][0]))
        return f"<Contents><Key>{quote(name)}</Key><ETag>{etag}</ETag></Contents>"


def _etag(body: bytes) -> str:
    return f'"{md5(body).hexdigest()}"'
