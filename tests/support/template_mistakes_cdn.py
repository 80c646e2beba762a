"""Mistakes in what readers reach, each with the check that has to notice it."""

from __future__ import annotations

import template_checks_cdn as cdn
from template_files import Mistake, sub

_signed = cdn.cdn_signs_what_it_asks_of_the_public_folder_alone
_https = cdn.readers_come_by_https_and_change_nothing
_fast = cdn.readers_get_it_fast
_harmless = cdn.every_answer_has_headers_that_make_it_harmless
_cors = cdn.web_readers_may_fetch_feeds_from_anywhere
_hidden = cdn.search_engines_are_kept_away_unless_invited
_cache = cdn.cache_obeys_the_documents_and_keeps_one_copy
_404 = cdn.what_is_not_there_is_a_404_that_does_not_last
_function = cdn.addresses_are_looked_at_before_the_cache
_options = cdn.logs_and_restrictions_are_as_the_deployer_says
_url = cdn.public_address_is_the_domain_if_there_is_one

_CONFIG = "cdn/Resources/Distribution/Properties/DistributionConfig"
_ORIGIN = f"{_CONFIG}/Origins/0"
_BEHAVIOR = f"{_CONFIG}/DefaultCacheBehavior"
_ACCESS = "cdn/Resources/OriginAccess/Properties/OriginAccessControlConfig"
_CACHE = "cdn/Resources/CachePolicy/Properties/CachePolicyConfig"
_KEY = f"{_CACHE}/ParametersInCacheKeyAndForwardedToOrigin"
_HEADERS = "cdn/Resources/Headers/Properties/ResponseHeadersPolicyConfig"
_SECURITY = f"{_HEADERS}/SecurityHeadersConfig"


def _policy(**changed: str | None) -> str:
    directives = cdn.CONTENT_SECURITY_POLICY | {k.replace("_", "-"): v for k, v in changed.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items() if value)


MISTAKES = (
    Mistake(_signed, f"{_ORIGIN}/OriginAccessControlId"),
    Mistake(_signed, f"{_ORIGIN}/OriginPath"),
    Mistake(_signed, f"{_ORIGIN}/OriginPath", "/data"),
    Mistake(_signed, f"{_ORIGIN}/S3OriginConfig/OriginAccessIdentity", "origin-access-identity/x"),
    Mistake(_signed, f"{_CONFIG}/Origins/1", {"Id": "other"}),
    Mistake(_signed, f"{_ACCESS}/SigningBehavior", "never"),
    Mistake(_signed, f"{_ACCESS}/SigningBehavior", "no-override"),
    Mistake(_https, f"{_BEHAVIOR}/ViewerProtocolPolicy", "allow-all"),
    Mistake(_https, f"{_BEHAVIOR}/AllowedMethods", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]),
    Mistake(_https, f"{_CONFIG}/CacheBehaviors", [{"PathPattern": "/x"}]),
    Mistake(_https, f"{_CONFIG}/ViewerCertificate/Fn::If/1/MinimumProtocolVersion", "TLSv1"),
    Mistake(_https, f"{_CONFIG}/ViewerCertificate/Fn::If/1/SslSupportMethod", "vip"),
    Mistake(_fast, f"{_CONFIG}/Enabled", False),
    Mistake(_fast, f"{_CONFIG}/HttpVersion", "http1.1"),
    Mistake(_fast, f"{_CONFIG}/IPV6Enabled"),
    Mistake(_fast, f"{_BEHAVIOR}/Compress", False),
    Mistake(_harmless, f"{_BEHAVIOR}/ResponseHeadersPolicyId"),
    *(
        Mistake(_harmless, f"{_SECURITY}/ContentSecurityPolicy/ContentSecurityPolicy", text)
        for text in (
            _policy(default_src="'self'"),
            _policy(script_src="'unsafe-inline'"),
            _policy(style_src="'unsafe-inline'"),
            _policy(img_src="'self' http: https: data:"),
            _policy(img_src="*"),
            _policy(frame_ancestors=None),
            _policy(sandbox=None),
            _policy(sandbox="allow-scripts allow-same-origin"),
        )
    ),
    *(
        Mistake(_harmless, f"{_SECURITY}/{name}/Override", False)
        for name in ("ContentSecurityPolicy", "ContentTypeOptions", "StrictTransportSecurity")
    ),
    Mistake(_harmless, f"{_SECURITY}/ContentTypeOptions"),
    Mistake(_harmless, f"{_SECURITY}/FrameOptions/FrameOption", "SAMEORIGIN"),
    Mistake(_harmless, f"{_SECURITY}/ReferrerPolicy/ReferrerPolicy", "unsafe-url"),
    Mistake(_harmless, f"{_SECURITY}/StrictTransportSecurity"),
    Mistake(_harmless, f"{_SECURITY}/StrictTransportSecurity/AccessControlMaxAgeSec", 300),
    Mistake(_harmless, f"{_SECURITY}/StrictTransportSecurity/IncludeSubdomains", True),
    Mistake(_harmless, f"{_SECURITY}/StrictTransportSecurity/Preload", True),
    Mistake(_cors, f"{_HEADERS}/CorsConfig"),
    Mistake(_cors, f"{_HEADERS}/CorsConfig/AccessControlAllowOrigins/Items", ["https://a.example"]),
    Mistake(_cors, f"{_HEADERS}/CorsConfig/AccessControlAllowCredentials", True),
    Mistake(_cors, f"{_HEADERS}/CorsConfig/AccessControlExposeHeaders"),
    Mistake(_hidden, f"{_HEADERS}/CustomHeadersConfig"),
    Mistake(_hidden, f"{_HEADERS}/CustomHeadersConfig/Fn::If/0", "HasDomain"),
    Mistake(_hidden, "cdn/Conditions/IsHidden/Fn::Equals/1", "index"),
    Mistake(_hidden, "root/Parameters/SearchEngines/Default", "index"),
    Mistake(_cache, f"{_BEHAVIOR}/CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
    Mistake(_cache, f"{_CACHE}/MinTTL", 60),
    Mistake(_cache, f"{_CACHE}/DefaultTTL", 86400),
    Mistake(_cache, f"{_CACHE}/MaxTTL", 300),
    Mistake(_cache, f"{_KEY}/EnableAcceptEncodingGzip", False),
    Mistake(_cache, f"{_KEY}/QueryStringsConfig/QueryStringBehavior", "all"),
    Mistake(_cache, f"{_KEY}/CookiesConfig/CookieBehavior", "all"),
    Mistake(_404, f"{_CONFIG}/CustomErrorResponses"),
    Mistake(_404, f"{_CONFIG}/CustomErrorResponses/0/ErrorCode", 404),
    Mistake(_404, f"{_CONFIG}/CustomErrorResponses/0/ResponseCode", 200),
    Mistake(_404, f"{_CONFIG}/CustomErrorResponses/0/ErrorCachingMinTTL", 86400),
    Mistake(_function, f"{_BEHAVIOR}/FunctionAssociations"),
    Mistake(_function, f"{_BEHAVIOR}/FunctionAssociations/0/EventType", "viewer-response"),
    Mistake(_function, "cdn/Resources/Addresses/Properties/AutoPublish", False),
    Mistake(
        _function, "cdn/Resources/Addresses/Properties/FunctionConfig/Runtime", "cloudfront-js-1.0"
    ),
    Mistake(_options, f"{_CONFIG}/Logging"),
    Mistake(_options, f"{_CONFIG}/Logging/Fn::If/1/IncludeCookies", True),
    Mistake(_options, f"{_CONFIG}/Restrictions/Fn::If/1/GeoRestriction/RestrictionType", "none"),
    Mistake(_options, f"{_CONFIG}/PriceClass", "PriceClass_All"),
    Mistake(_url, "cdn/Outputs/PublicUrl/Value", sub("https://${Distribution.DomainName}")),
    Mistake(_url, "cdn/Outputs/PublicUrl/Value/Fn::If/1", sub("http://${DomainName}")),
    Mistake(_url, "cdn/Conditions/HasDomain", {"Fn::Equals": [{"Ref": "DomainName"}, ""]}),
)
