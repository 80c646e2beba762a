"""What has to hold for the bucket and the queues, as functions of the templates.

Analysers let most of the mistakes pass that these notice: `template_mistakes_root.py` plants them.
"""

from __future__ import annotations

import json
from datetime import timedelta

from template_files import Json, Templates, get_att, of_type, only, properties, sub

QUEUES = ("FailedRefreshes", "FailedRenewals", "FailedTicks", "Refreshes", "Renewals")
FIFO = {"Refreshes": "FailedRefreshes", "Renewals": "FailedRenewals"}  # with their dead letters


def default_of(templates: Templates, parameter: str) -> int:
    return int(templates.root["Parameters"][parameter]["Default"])


# ---------------------------------------------------------------- the store


def bucket_is_private_encrypted_and_versioned(templates: Templates) -> None:
    settings = only(templates.root, "AWS::S3::Bucket")
    access = settings["PublicAccessBlockConfiguration"]

    assert len(access) == 4
    assert set(access.values()) == {True}
    assert settings["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert settings["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = settings["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert "WebsiteConfiguration" not in settings


def bucket_outlives_the_stack_and_keeps_what_is_current(templates: Templates) -> None:
    bucket = templates.root["Resources"]["Bucket"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"

    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    for rule in rules:
        assert rule["Status"] == "Enabled"
        # What is current never expires: it may be all that there is left of the origin.
        assert not {"ExpirationInDays", "ExpirationDate", "Transitions", "Transition"} & rule.keys()
    of_all, of_public = rules
    assert "Prefix" not in of_all
    assert of_all["NoncurrentVersionExpiration"] == {"NoncurrentDays": 7}
    assert of_all["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert of_public["Prefix"] == "public/"
    assert of_public["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def nobody_but_the_cdn_reads_the_bucket_and_it_reads_what_is_public(templates: Templates) -> None:
    statements = only(templates.root, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert statements[0] == {
        "Sid": "AllowCdnToReadPublic",
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": sub("${Bucket.Arn}/public/*"),
        "Condition": {"StringEquals": {"aws:SourceArn": get_att("Cdn", "Outputs.DistributionArn")}},
    }
    rest = json.dumps(statements[1:])
    assert '"Allow"' not in rest


def plain_http_is_refused(templates: Templates) -> None:
    """By what can be told so, unless that is switched off for an emulator."""
    assert templates.root["Parameters"]["EnforceTls"]["Default"] == "true"
    for template in (templates.root, templates.observability):
        assert template["Conditions"]["TlsOnly"] == {"Fn::Equals": [{"Ref": "EnforceTls"}, "true"]}
    passed_on = properties(templates.root, "Observability")["Parameters"]["EnforceTls"]
    assert passed_on == {"Ref": "EnforceTls"}

    bucket = only(templates.root, "AWS::S3::BucketPolicy")
    both = [get_att("Bucket", "Arn"), sub("${Bucket.Arn}/*")]
    _refuses(_conditional(bucket["PolicyDocument"]["Statement"][1]), "s3:*", both)

    queues = of_type(templates.root, "AWS::SQS::QueuePolicy")["QueuePolicy"]
    assert queues["Condition"] == "TlsOnly"
    assert sorted(queue["Ref"] for queue in queues["Properties"]["Queues"]) == sorted(QUEUES)
    _refuses(queues["Properties"]["PolicyDocument"]["Statement"][0], "sqs:*", "*")

    topic = only(templates.observability, "AWS::SNS::TopicPolicy")
    last = topic["PolicyDocument"]["Statement"][1]
    _refuses(_conditional(last), "sns:Publish", {"Ref": "Topic"})


def _conditional(statement: Json) -> Json:
    condition, then, otherwise = statement["Fn::If"]
    assert (condition, otherwise) == ("TlsOnly", {"Ref": "AWS::NoValue"})
    return then


def _refuses(statement: Json, action: str, resource: object) -> None:
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert (statement["Action"], statement["Resource"]) == (action, resource)
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# ---------------------------------------------------------------- the queues


def queues_are_encrypted(templates: Templates) -> None:
    queues = of_type(templates.root, "AWS::SQS::Queue")

    assert sorted(queues) == sorted(QUEUES)
    assert all(queue["Properties"]["SqsManagedSseEnabled"] is True for queue in queues.values())


def dead_letters_are_kept_for_two_weeks(templates: Templates) -> None:
    for name in (*FIFO.values(), "FailedTicks"):
        kept = timedelta(seconds=properties(templates.root, name)["MessageRetentionPeriod"])
        assert kept == timedelta(days=14)


def queue_keeps_a_feed_from_being_refreshed_twice_at_once(templates: Templates) -> None:
    """Messages of a group one after the other, and none again while it may still be at work."""
    for name in FIFO:
        queue = properties(templates.root, name)
        assert queue["FifoQueue"] is True
        assert "ContentBasedDeduplication" not in queue  # two ticks may ask for the same
        assert queue["DeduplicationScope"] == "messageGroup"
        assert queue["FifoThroughputLimit"] == "perMessageGroupId"
        # Source: Lambda Developer Guide, "Creating and configuring an Amazon SQS event source
        # mapping"
        assert queue["VisibilityTimeout"] == {"Ref": "VisibilityTimeout"}
    assert default_of(templates, "VisibilityTimeout") >= 6 * default_of(templates, "Timeout")
    most = {
        n: templates.root["Parameters"][n]["MaxValue"] for n in ("VisibilityTimeout", "Timeout")
    }
    assert most["VisibilityTimeout"] >= 6 * most["Timeout"]


def refresh_that_fails_for_good_becomes_a_dead_letter(templates: Templates) -> None:
    longest = templates.root["Parameters"]["VisibilityTimeout"]["MaxValue"]
    for name, dead_letters in FIFO.items():
        queue = properties(templates.root, name)
        assert queue["RedrivePolicy"] == {
            "deadLetterTargetArn": get_att(dead_letters, "Arn"),
            "maxReceiveCount": 3,
        }
        # Source: SQS Developer Guide, "Using dead-letter queues": of a FIFO queue, a FIFO queue
        assert properties(templates.root, dead_letters)["FifoQueue"] is True
        # It lives to see its last attempt, but not for so long that an outage ends in a flood.
        assert 3 * longest < queue["MessageRetentionPeriod"] <= 6 * 3600
    assert "FifoQueue" not in properties(templates.root, "FailedTicks")  # Lambda takes no other


def messages_are_taken_one_by_one_and_may_fail(templates: Templates) -> None:
    expected = {"Refreshes": "MaximumConcurrency", "Renewals": "RenewalConcurrency"}
    mappings = of_type(templates.root, "AWS::Lambda::EventSourceMapping")
    assert len(mappings) == len(expected)
    for queue, parameter in expected.items():
        mapping = mappings[f"MirrorFunction{queue}"]["Properties"]
        assert mapping["EventSourceArn"] == get_att(queue, "Arn")
        assert mapping["FunctionName"] == {"Ref": "MirrorFunction"}
        assert mapping["BatchSize"] == 1  # of which each is a batch of feeds, or a slice
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": parameter}}
        assert mapping.get("Enabled", True) is True
        # Source: Lambda API Reference, "ScalingConfig"
        concurrency = templates.root["Parameters"][parameter]
        assert (concurrency["MinValue"], concurrency["MaxValue"]) == (2, 1000)
