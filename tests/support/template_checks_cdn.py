"""What has to hold for what readers reach, as functions of the templates."""

from __future__ import annotations

from template_files import Json, Templates, get_att, only, sub

_YEAR_S = 365 * 24 * 3600

# Nothing is run, nothing framed, nothing sent; what is shown comes from the mirror or is media.
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self' https: data:",  # the last for the icon that there is not
    "media-src": "https:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "sandbox": "allow-downloads allow-same-origin allow-popups allow-popups-to-escape-sandbox",
}


def _distribution(templates: Templates) -> Json:
    return only(templates.cdn, "AWS::CloudFront::Distribution")["DistributionConfig"]


def _behavior(templates: Templates) -> Json:
    return _distribution(templates)["DefaultCacheBehavior"]


def _headers(templates: Templates) -> Json:
    policy = only(templates.cdn, "AWS::CloudFront::ResponseHeadersPolicy")
    return policy["ResponseHeadersPolicyConfig"]


def cdn_signs_what_it_asks_of_the_public_folder_alone(templates: Templates) -> None:
    (origin,) = _distribution(templates)["Origins"]
    assert origin["OriginPath"] == "/public"
    assert origin["DomainName"] == {"Ref": "BucketDomainName"}
    assert origin["OriginAccessControlId"] == get_att("OriginAccess", "Id")
    assert origin["S3OriginConfig"] == {"OriginAccessIdentity": ""}

    access = only(templates.cdn, "AWS::CloudFront::OriginAccessControl")
    config = access["OriginAccessControlConfig"]
    assert config["OriginAccessControlOriginType"] == "s3"
    assert config["SigningBehavior"] == "always"
    assert config["SigningProtocol"] == "sigv4"


def readers_come_by_https_and_change_nothing(templates: Templates) -> None:
    config, behavior = _distribution(templates), _behavior(templates)

    assert "CacheBehaviors" not in config  # what holds, holds for every address
    assert behavior["ViewerProtocolPolicy"] == "redirect-to-https"
    assert behavior["AllowedMethods"] == ["GET", "HEAD", "OPTIONS"]
    certificate = config["ViewerCertificate"]["Fn::If"]
    assert certificate[0] == "HasDomain"
    assert certificate[1]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert certificate[1]["SslSupportMethod"] == "sni-only"
    assert config["Aliases"]["Fn::If"][:2] == ["HasDomain", [{"Ref": "DomainName"}]]


def readers_get_it_fast(templates: Templates) -> None:
    config = _distribution(templates)

    assert config["Enabled"] is True
    assert config["HttpVersion"] == "http2and3"
    assert config["IPV6Enabled"] is True
    assert _behavior(templates)["Compress"] is True


def every_answer_has_headers_that_make_it_harmless(templates: Templates) -> None:
    assert _behavior(templates)["ResponseHeadersPolicyId"] == {"Ref": "Headers"}
    headers = _headers(templates)["SecurityHeadersConfig"]
    assert all(header["Override"] is True for header in headers.values())

    text = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert dict(part.split(" ", 1) for part in text.split("; ")) == CONTENT_SECURITY_POLICY
    assert "ContentTypeOptions" in headers
    assert headers["FrameOptions"]["FrameOption"] == "DENY"
    assert headers["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    transport = headers["StrictTransportSecurity"]
    assert transport["AccessControlMaxAgeSec"] >= _YEAR_S
    # Both speak for a domain that is not ours alone.
    assert transport["IncludeSubdomains"] is False
    assert "Preload" not in transport


def web_readers_may_fetch_feeds_from_anywhere(templates: Templates) -> None:
    cors = _headers(templates)["CorsConfig"]

    assert cors["AccessControlAllowOrigins"] == {"Items": ["*"]}
    assert cors["AccessControlAllowMethods"] == {"Items": ["GET", "HEAD"]}
    assert cors["AccessControlAllowCredentials"] is False
    assert {"ETag", "Last-Modified"} <= set(cors["AccessControlExposeHeaders"]["Items"])
    assert cors["OriginOverride"] is True


def search_engines_are_kept_away_unless_invited(templates: Templates) -> None:
    assert templates.root["Parameters"]["SearchEngines"]["Default"] == "noindex"
    hidden = templates.cdn["Conditions"]["IsHidden"]
    assert hidden == {"Fn::Equals": [{"Ref": "SearchEngines"}, "noindex"]}
    header = {"Header": "X-Robots-Tag", "Value": "noindex", "Override": True}
    assert _headers(templates)["CustomHeadersConfig"] == {
        "Fn::If": ["IsHidden", {"Items": [header]}, {"Ref": "AWS::NoValue"}]
    }


def cache_obeys_the_documents_and_keeps_one_copy(templates: Templates) -> None:
    """Neither a query nor a cookie makes another copy, so nobody can fill the bucket's bill."""
    assert _behavior(templates)["CachePolicyId"] == {"Ref": "CachePolicy"}
    policy = only(templates.cdn, "AWS::CloudFront::CachePolicy")["CachePolicyConfig"]
    assert policy["MinTTL"] == 0
    assert policy["DefaultTTL"] <= 300
    assert policy["MaxTTL"] >= 24 * 3600
    key = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["EnableAcceptEncodingGzip"] is key["EnableAcceptEncodingBrotli"] is True
    assert key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert key["HeadersConfig"] == {"HeaderBehavior": "none"}
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "none"}


def what_is_not_there_is_a_404_that_does_not_last(templates: Templates) -> None:
    (response,) = _distribution(templates)["CustomErrorResponses"]

    assert response["ErrorCode"] == 403  # what S3 says to those who may not list
    assert response["ResponseCode"] == 404
    assert response["ResponsePagePath"] == "/404.html"
    assert response["ErrorCachingMinTTL"] <= 60


def addresses_are_looked_at_before_the_cache(templates: Templates) -> None:
    (association,) = _behavior(templates)["FunctionAssociations"]
    function = only(templates.cdn, "AWS::CloudFront::Function")

    assert association["EventType"] == "viewer-request"
    assert association["FunctionARN"] == get_att("Addresses", "FunctionMetadata.FunctionARN")
    assert function["AutoPublish"] is True
    assert function["FunctionConfig"]["Runtime"] == "cloudfront-js-2.0"


def logs_and_restrictions_are_as_the_deployer_says(templates: Templates) -> None:
    config = _distribution(templates)
    logging, restrictions = config["Logging"]["Fn::If"], config["Restrictions"]["Fn::If"]

    assert logging[0] == "HasAccessLogs"
    assert logging[1]["Bucket"] == {"Ref": "AccessLogBucket"}
    assert logging[1]["IncludeCookies"] is False
    assert logging[2] == {"Ref": "AWS::NoValue"}
    assert restrictions[0] == "IsRestricted"
    assert restrictions[1]["GeoRestriction"] == {
        "RestrictionType": {"Ref": "GeoRestriction"},
        "Locations": {"Fn::Split": [",", {"Ref": "GeoCountries"}]},
    }
    assert restrictions[2] == {"GeoRestriction": {"RestrictionType": "none"}}
    assert config["PriceClass"] == {"Ref": "PriceClass"}


def public_address_is_the_domain_if_there_is_one(templates: Templates) -> None:
    outputs = templates.cdn["Outputs"]

    assert outputs["PublicUrl"]["Value"] == {
        "Fn::If": [
            "HasDomain",
            sub("https://${DomainName}"),
            sub("https://${Distribution.DomainName}"),
        ]
    }
    has_domain = {"Fn::Not": [{"Fn::Equals": [{"Ref": "DomainName"}, ""]}]}
    assert templates.cdn["Conditions"]["HasDomain"] == has_domain
