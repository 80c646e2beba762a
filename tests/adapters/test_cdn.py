"""CloudFront forgets its copies, once for each name of the request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from feedmirror.adapters.aws import make_client
from feedmirror.adapters.cdn import CloudFront
from feedmirror.errors import StoreError
from s3_server import new_session

ORIGIN = {
    "Id": "o",
    "DomainName": "b.s3.amazonaws.com",
    "S3OriginConfig": {"OriginAccessIdentity": ""},
}
CONFIG = {
    "CallerReference": "c",
    "Origins": {"Quantity": 1, "Items": [ORIGIN]},
    "DefaultCacheBehavior": {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "https-only",
        "MinTTL": 0,
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    },
    "Comment": "",
    "Enabled": True,
}


@pytest.fixture
def client() -> Iterator[Any]:
    from moto import mock_aws

    with mock_aws():
        yield make_client("cloudfront", threads=1, session=new_session())


@pytest.mark.slow
def test_paths_of_a_distribution_are_invalidated(client: Any) -> None:
    made = client.create_distribution(DistributionConfig=CONFIG)["Distribution"]["Id"]
    named = CloudFront(client, made).invalidate(["/news/*"], "key 1")
    told = client.get_invalidation(DistributionId=made, Id=named)["Invalidation"]
    assert told["InvalidationBatch"]["Paths"]["Items"] == ["/news/*"]
    assert told["InvalidationBatch"]["CallerReference"] == "key 1"


@pytest.mark.slow
def test_a_refusal_names_the_distribution_and_the_permission(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "CreateInvalidation")

    monkeypatch.setattr(client, "create_invalidation", refuse)
    with pytest.raises(StoreError, match=r"ENONE.*cloudfront:CreateInvalidation"):
        CloudFront(client, "ENONE").invalidate(["/news/*"], "key 1")
