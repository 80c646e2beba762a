"""What AWS charges, as far as it is known here."""

from __future__ import annotations

from dataclasses import dataclass

from feedmirror.entrypoints.cli.renewal_cost import S3_READ_USD, S3_WRITE_USD

REGION = "us-east-1 (N. Virginia)"
AS_OF = "2026-11"
CAVEAT = (
    f"List prices of {REGION}, as remembered in {AS_OF} from AWS's public price pages and compared "
    "with copies of those pages and of third parties' lists. None was fetched from AWS for this: "
    "check them before you rely on them. No free tier, no discounts, no taxes."
)

M = 1e6


@dataclass(frozen=True, slots=True)
class Price:
    """A price, in US dollars."""

    what: str
    usd: float  # for one
    shown: str  # as the page says it
    page: str  # of AWS, where it is said
    seen: str  # what it was compared with


SCHEDULE = Price(
    "EventBridge Scheduler, an invocation",
    1.00 / M,
    "$1.00 a million",
    "eventbridge/pricing",
    "a list of March 2026",
)
LAMBDA_REQUEST = Price(
    "Lambda, a request", 0.20 / M, "$0.20 a million", "lambda/pricing", "an undated list"
)
LAMBDA_GB_S = Price(
    "Lambda, a GB-second on arm64",
    0.0000133334,
    "$0.0000133334",
    "lambda/pricing",
    "a list of 2024",
)
SQS_FIFO = Price(
    "SQS FIFO, a request of up to 64 KB",
    0.50 / M,
    "$0.50 a million",
    "sqs/pricing",
    "lists of March and June 2026",
)
S3_READ = Price("S3, a GET", S3_READ_USD, "$0.0004 a thousand", "s3/pricing", "an undated list")
S3_WRITE = Price(
    "S3, a PUT or LIST", S3_WRITE_USD, "$0.005 a thousand", "s3/pricing", "an undated list"
)
S3_GB = Price("S3 Standard, a GB for a month", 0.023, "$0.023", "s3/pricing", "an undated list")
LOGS_GB_IN = Price(
    "CloudWatch Logs, a GB taken in",
    0.50,
    "$0.50",
    "cloudwatch/pricing",
    "a list of June 2026",
)
LOGS_GB = Price(
    "CloudWatch Logs, a GB kept for a month", 0.03, "$0.03", "cloudwatch/pricing", "nothing"
)
METRIC = Price(
    "CloudWatch, a custom metric for a month",
    0.30,
    "$0.30",
    "cloudwatch/pricing",
    "a list of February 2026",
)
ALARM = Price(
    "CloudWatch, an alarm for a month", 0.10, "$0.10", "cloudwatch/pricing", "an undated list"
)
DASHBOARD = Price(
    "CloudWatch, a dashboard for a month",
    3.00,
    "$3.00",
    "cloudwatch/pricing",
    "a list of June 2026",
)
OUT_GB = Price(
    "Data to the internet, a GB (requests to origins)",
    0.09,
    "$0.09",
    "ec2/pricing/on-demand",
    "a list of March 2026, for S3",
)
CDN_REQUEST = Price(
    "CloudFront, an HTTPS request (US, Europe)",
    0.0100 / 10_000,
    "$0.0100 for 10,000",
    "cloudfront/pricing",
    "a list of March 2026",
)
CDN_GB = Price(
    "CloudFront, a GB to readers (US, Europe)",
    0.085,
    "$0.085",
    "cloudfront/pricing",
    "a copy of the page",
)

PRICES = (
    SCHEDULE,
    LAMBDA_REQUEST,
    LAMBDA_GB_S,
    SQS_FIFO,
    S3_READ,
    S3_WRITE,
    S3_GB,
    LOGS_GB_IN,
    LOGS_GB,
    METRIC,
    ALARM,
    DASHBOARD,
    OUT_GB,
    CDN_REQUEST,
    CDN_GB,
)

# What every account has each month without an end. Source: the pages above, and aws.amazon.com/free
FREE = {
    SCHEDULE: 14 * M,
    LAMBDA_REQUEST: M,
    LAMBDA_GB_S: 400_000,
    SQS_FIFO: M,
    LOGS_GB_IN: 5,
    LOGS_GB: 5,
    METRIC: 10,
    ALARM: 10,
    DASHBOARD: 3,
    OUT_GB: 100,
}
