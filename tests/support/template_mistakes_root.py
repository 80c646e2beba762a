"""Mistakes in the stack as a whole, each with the check that has to notice it."""

from __future__ import annotations

import template_checks_functions as functions
import template_checks_store as store
import template_checks_whole as whole
from template_files import Mistake, get_att, sub

_BUCKET = "root/Resources/Bucket"
_POLICY = "root/Resources/BucketPolicy/Properties/PolicyDocument/Statement"
_REFRESHES = "root/Resources/Refreshes/Properties"
_ACCESS = f"{_BUCKET}/Properties/PublicAccessBlockConfiguration"
_RULE = f"{_BUCKET}/Properties/LifecycleConfiguration/Rules/0"
_MIRROR_S3 = "root/Resources/MirrorFunctionRole/Properties/Policies/0/PolicyDocument/Statement/1"
_OPERATOR = "root/Resources/OperatorPolicy/Properties/PolicyDocument/Statement"
_SENDING = "root/Resources/DispatchFunctionRole/Properties/Policies/0/PolicyDocument/Statement/0"
_SETTLING = "root/Resources/DispatchFunctionRole/Properties/Policies/0/PolicyDocument/Statement/3"
_TARGET = "root/Resources/DispatchFunctionTick/Properties/Target"
_ASYNC = "root/Resources/DispatchFunctionEventInvokeConfig/Properties"
_MAPPING = "root/Resources/MirrorFunctionRefreshes/Properties"
_MIRROR = "root/Resources/MirrorFunction/Properties"

_private = store.bucket_is_private_encrypted_and_versioned
_lasting = store.bucket_outlives_the_stack_and_keeps_what_is_current
_open = store.nobody_but_the_cdn_reads_the_bucket_and_it_reads_what_is_public
_tls = store.plain_http_is_refused
_sse = store.queues_are_encrypted
_kept = store.dead_letters_are_kept_for_two_weeks
_fifo = store.queue_keeps_a_feed_from_being_refreshed_twice_at_once
_dead = store.refresh_that_fails_for_good_becomes_a_dead_letter
_batch = store.messages_are_taken_one_by_one_and_may_fail
_tick = functions.schedule_is_bounded_and_its_failures_are_kept
_async = functions.tick_on_which_the_function_fails_is_kept_too
_logs = functions.functions_log_json_to_a_group_that_forgets
_limits = functions.functions_have_limits_and_tracing_of_their_parameters
_kinds = functions.stack_has_no_way_in_but_the_cdn
_allow = functions.roles_are_allowed_what_they_need_and_no_more
_trust = functions.roles_are_for_their_service_and_have_no_other_policies
_given = whole.nested_templates_are_given_what_they_ask_for
_names = whole.no_name_is_that_of_another_stack
_explained = whole.parameters_are_explained_bounded_and_grouped
_together = whole.parameters_that_need_each_other_are_given_together
_shown = whole.what_the_stack_tells_is_explained

MISTAKES = (
    *(
        Mistake(_private, f"{_ACCESS}/{name}", value)
        for name in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls")
        for value in (False,)
    ),
    Mistake(_private, f"{_ACCESS}/RestrictPublicBuckets"),
    Mistake(
        _private, f"{_BUCKET}/Properties/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter"
    ),
    Mistake(_private, f"{_BUCKET}/Properties/VersioningConfiguration/Status", "Suspended"),
    Mistake(_private, f"{_BUCKET}/Properties/BucketEncryption"),
    Mistake(_private, f"{_BUCKET}/Properties/WebsiteConfiguration", {"IndexDocument": "i"}),
    Mistake(_lasting, f"{_BUCKET}/DeletionPolicy", "Delete"),
    Mistake(_lasting, f"{_BUCKET}/UpdateReplacePolicy"),
    Mistake(_lasting, f"{_RULE}/ExpirationInDays", 30),
    Mistake(_lasting, f"{_RULE}/NoncurrentVersionExpiration"),
    Mistake(_lasting, f"{_BUCKET}/Properties/LifecycleConfiguration/Rules/1/Prefix", "data/"),
    Mistake(_lasting, f"{_RULE}/Status", "Disabled"),
    Mistake(_open, f"{_POLICY}/0/Principal", "*"),
    Mistake(_open, f"{_POLICY}/0/Condition"),
    Mistake(_open, f"{_POLICY}/0/Condition", {"StringEquals": {"aws:SourceAccount": "1"}}),
    Mistake(_open, f"{_POLICY}/0/Resource", sub("${Bucket.Arn}/*")),
    Mistake(_open, f"{_POLICY}/0/Action", "s3:Get*"),
    Mistake(_open, f"{_POLICY}/2", {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}),
    Mistake(_tls, f"{_POLICY}/1"),
    Mistake(_tls, f"{_POLICY}/1/Fn::If/1/Effect", "Allow"),
    Mistake(_tls, f"{_POLICY}/1/Fn::If/1/Condition/Bool/aws:SecureTransport", "true"),
    Mistake(_tls, f"{_POLICY}/1/Fn::If/1/Resource", get_att("Bucket", "Arn")),
    Mistake(_tls, "root/Parameters/EnforceTls/Default", "false"),
    Mistake(_tls, "root/Conditions/TlsOnly/Fn::Equals/1", "false"),
    Mistake(_tls, "root/Resources/QueuePolicy/Properties/Queues/1"),
    Mistake(_tls, "root/Resources/Observability/Properties/Parameters/EnforceTls", "false"),
    Mistake(_tls, "observability/Conditions/TlsOnly/Fn::Equals/1", "false"),
    Mistake(_tls, "observability/Resources/TopicPolicy/Properties/PolicyDocument/Statement/1"),
    *(
        Mistake(_sse, f"root/Resources/{queue}/Properties/SqsManagedSseEnabled")
        for queue in store.QUEUES
    ),
    Mistake(_kept, "root/Resources/FailedRefreshes/Properties/MessageRetentionPeriod"),
    Mistake(_kept, "root/Resources/FailedTicks/Properties/MessageRetentionPeriod", 345600),
    Mistake(_fifo, f"{_REFRESHES}/FifoQueue"),
    Mistake(_fifo, f"{_REFRESHES}/ContentBasedDeduplication", True),
    Mistake(_fifo, f"{_REFRESHES}/FifoThroughputLimit"),
    Mistake(_fifo, f"{_REFRESHES}/VisibilityTimeout"),
    Mistake(_fifo, "root/Parameters/VisibilityTimeout/Default", 300),
    Mistake(_fifo, "root/Parameters/Timeout/Default", 121),
    Mistake(_fifo, "root/Parameters/VisibilityTimeout/MaxValue", 3600),
    Mistake(_dead, f"{_REFRESHES}/RedrivePolicy"),
    Mistake(_dead, f"{_REFRESHES}/RedrivePolicy/maxReceiveCount", 1000),
    Mistake(_dead, f"{_REFRESHES}/MessageRetentionPeriod", 3600),
    Mistake(_dead, f"{_REFRESHES}/MessageRetentionPeriod", 345600),
    Mistake(_dead, "root/Resources/FailedRefreshes/Properties/FifoQueue"),
    Mistake(_dead, "root/Resources/FailedTicks/Properties/FifoQueue", True),
    Mistake(_batch, f"{_MAPPING}/FunctionResponseTypes"),
    Mistake(_batch, f"{_MAPPING}/ScalingConfig"),
    Mistake(_batch, f"{_MAPPING}/BatchSize", 10),
    Mistake(_batch, f"{_MAPPING}/Enabled", False),
    Mistake(_batch, "root/Resources/MirrorFunctionRenewals/Properties/ScalingConfig"),
    Mistake(_dead, "root/Resources/Renewals/Properties/RedrivePolicy"),
    Mistake(_fifo, "root/Resources/Renewals/Properties/FifoThroughputLimit"),
    Mistake(_kept, "root/Resources/FailedRenewals/Properties/MessageRetentionPeriod"),
    Mistake(_batch, "root/Parameters/MaximumConcurrency/MinValue", 1),
    Mistake(_tick, "root/Resources/DispatchFunctionTick/Properties/Name", "Tick"),
    Mistake(_tick, "root/Resources/DispatchFunctionTick/Properties/State", "ENABLED"),
    Mistake(_tick, f"{_TARGET}/DeadLetterConfig"),
    Mistake(_tick, f"{_TARGET}/RetryPolicy/MaximumRetryAttempts", 185),
    Mistake(_tick, f"{_TARGET}/RetryPolicy/MaximumEventAgeInSeconds", 86400),
    Mistake(_async, f"{_ASYNC}/DestinationConfig"),
    Mistake(_async, f"{_ASYNC}/MaximumRetryAttempts", 0),
    Mistake(_async, f"{_ASYNC}/MaximumEventAgeInSeconds", 21600),
    Mistake(_logs, f"{_MIRROR}/LoggingConfig/LogFormat", "Text"),
    Mistake(_logs, f"{_MIRROR}/LoggingConfig/LogGroup"),
    Mistake(_logs, f"{_MIRROR}/LoggingConfig/SystemLogLevel", "WARN"),
    Mistake(_logs, "root/Resources/DispatchFunction/Properties/LoggingConfig/LogFormat", "Text"),
    Mistake(_logs, "root/Resources/Logs/Properties/RetentionInDays"),
    Mistake(_limits, f"{_MIRROR}/Timeout", 900),
    Mistake(_limits, f"{_MIRROR}/TracingConfig"),
    Mistake(_limits, f"{_MIRROR}/Architectures"),
    Mistake(_limits, "root/Resources/DispatchFunction/Properties/MemorySize"),
    Mistake(_limits, f"{_MIRROR}/Role", get_att("DispatchFunctionRole", "Arn")),
    Mistake(_kinds, "root/Resources/Url", {"Type": "AWS::Lambda::Url"}),
    Mistake(_kinds, "root/Resources/Permission", {"Type": "AWS::Lambda::Permission"}),
    Mistake(_allow, f"{_MIRROR_S3}/Action", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]),
    Mistake(_allow, f"{_MIRROR_S3}/Action", "s3:*"),
    Mistake(_allow, f"{_MIRROR_S3}/Resource/1", sub("${Bucket.Arn}/public/*")),
    Mistake(_allow, f"{_MIRROR_S3}/Resource/2", sub("${Bucket.Arn}/public/*.css")),
    Mistake(_allow, f"{_MIRROR_S3}/NotAction", "s3:DeleteObject"),
    Mistake(_allow, f"{_SENDING}/Resource", "*"),
    Mistake(_allow, f"{_SETTLING}/Resource/1", sub("${Bucket.Arn}/public/*")),
    Mistake(_allow, "root/Resources/RunPolicy/Properties/PolicyDocument/Statement/0/Resource", "*"),
    Mistake(_allow, f"{_OPERATOR}/2/Action", ["s3:DeleteObjectVersion", "s3:DeleteObject"]),
    Mistake(_allow, f"{_OPERATOR}/3/Resource", "*"),
    Mistake(
        _trust, "root/Resources/MirrorFunctionRole/Properties/ManagedPolicyArns/1", "arn:admin"
    ),
    Mistake(_trust, "root/Resources/Admin", {"Type": "AWS::IAM::Role", "Properties": {}}),
    Mistake(
        _trust,
        "root/Resources/MirrorFunctionRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal",
        {"AWS": "*"},
    ),
    Mistake(_given, "root/Resources/Cdn/Properties/Parameters/PriceClass"),
    Mistake(_given, "root/Resources/Cdn/Properties/Parameters/Colour", "blue"),
    Mistake(_given, "root/Resources/Cdn/Properties/Parameters/GeoCountries", "DE"),
    Mistake(_given, "root/Resources/Cdn/Properties/TemplateURL", "infra/cdm.yaml"),
    Mistake(_given, "cdn/Outputs/DistributionArn"),
    Mistake(_given, "observability/Parameters/Colour", {"Type": "String"}),
    Mistake(_given, "observability/Outputs/TopicArn"),
    Mistake(_names, f"{_BUCKET}/Properties/BucketName", "feedmirror"),
    Mistake(_names, f"{_REFRESHES}/QueueName", "refreshes.fifo"),
    Mistake(_names, f"{_MIRROR}/FunctionName", sub("mirror-${AWS::Region}")),
    Mistake(_names, "cdn/Resources/CachePolicy/Properties/CachePolicyConfig/Name", "feedmirror"),
    Mistake(_names, "cdn/Resources/Addresses/Properties/Name", {"Ref": "PriceClass"}),
    Mistake(_names, "observability/Resources/Stale/Properties/AlarmName", "stale"),
    Mistake(_names, "root/Resources/Cdn/Properties/Parameters/Name", {"Ref": "AWS::Region"}),
    Mistake(_names, "root/Resources/Cdn/Properties/Parameters/Name", {"Ref": "AWS::StackName"}),
    Mistake(_explained, "root/Parameters/Memory/Description"),
    Mistake(_explained, "root/Parameters/AlarmEmail/AllowedPattern"),
    Mistake(_explained, "root/Parameters/Tick/Default", "2 minutes"),
    Mistake(_explained, "root/Parameters/Secret", {"Type": "String"}),
    Mistake(_explained, "root/Metadata/AWS::CloudFormation::Interface/ParameterGroups/1"),
    Mistake(_explained, "cdn/Parameters/SearchEngines/AllowedValues"),
    Mistake(_together, "root/Rules/DomainNeedsItsCertificate"),
    Mistake(_together, "root/Rules/RestrictionNeedsCountries"),
    Mistake(_shown, "root/Outputs/PublicUrl"),
    Mistake(_shown, "root/Outputs/DashboardUrl/Description"),
)
