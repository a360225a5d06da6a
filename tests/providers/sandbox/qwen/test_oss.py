"""The object store checks what is signed, and refuses the site's own credentials."""

import time
from typing import Any

import pytest

from providers.sandbox.qwen.oss import Grant, OssSite, scope, signature
from tests.support.asked import RecordedAnswer, ask

PATH = "person/1_a b.png"


def test_the_signature_is_that_of_the_maker_s_own_example() -> None:
    headers = {"x-oss-head1": "value", "abc": "value", "zabc": "value", "content-type": "text/plain"}
    headers |= {"x-oss-content-sha256": "UNSIGNED-PAYLOAD", "x-oss-date": "20231216T162057Z"}
    query = "%2Bparam1=value3&%2Bparam2&%7Cparam1=value4&%7Cparam2&param1=value1&param2"
    made = signature("sk", "1234+-/123/1.txt", headers, query, "bucket", "cn-hangzhou")
    assert made == "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe"


def put(site: OssSite, grant: Grant, target: str = "/person/1_a%20b.png", **wrong: Any) -> RecordedAnswer:
    moment = wrong.pop("moment", time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    headers = {"content-type": "image/png", "x-oss-content-sha256": "UNSIGNED-PAYLOAD", "x-oss-date": moment}
    headers |= {"x-oss-security-token": grant.token, "x-oss-user-agent": "aliyun-sdk-js"}
    signed = signature(wrong.pop("secret", grant.secret), PATH, headers)
    where = wrong.pop("scope", scope(moment))
    headers["authorization"] = f"OSS4-HMAC-SHA256 Credential={grant.key_id}/{where},Signature={signed}"
    headers |= wrong
    return ask(site, "PUT", target, b"bytes", **{name.replace("-", "_"): value for name, value in headers.items()})


def test_a_signed_file_is_kept_and_can_be_read() -> None:
    site = OssSite()
    assert put(site, site.grant(PATH)).status == 200
    assert ask(site, "GET", "/person/1_a%20b.png").body == b"bytes"
    assert ask(site, "GET", "/other").status == 404


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"secret": "other"}, "SignatureDoesNotMatch"),
        ({"content-type": "image/gif"}, "SignatureDoesNotMatch"),
        ({"x-oss-meta": "unsigned"}, "SignatureDoesNotMatch"),
        ({"scope": "20260101/cn-hangzhou/oss/aliyun_v4_request"}, "InvalidArgument"),
        ({"x-oss-content-sha256": "abc"}, "InvalidArgument"),
        ({"content-type": ""}, "InvalidArgument"),
        ({"authorization": ""}, "InvalidArgument"),
        ({"x-oss-security-token": "other"}, "InvalidSecurityToken"),
        ({"moment": "20200101T000000Z"}, "RequestTimeTooSkewed"),
        ({"moment": "yesterday"}, "RequestTimeTooSkewed"),
        ({"target": "/person/2_other.png"}, "AccessDenied"),
        ({"target": "/person/1_a%20b.png?x-oss-signature=1"}, "AccessDenied"),
        ({"cookie": "token=1"}, "AccessDenied"),
        ({"authorization": "Bearer x"}, "AccessDenied"),
    ],
)
def test_what_is_not_signed_so_is_refused(wrong: dict[str, Any], code: str) -> None:
    site = OssSite()
    answer = put(site, site.grant(PATH), **wrong)
    assert (answer.status, code in answer.text, site.objects) == (403, True, {})
    assert bool(site.leaks) == (code == "AccessDenied" and "target" not in wrong)


def test_a_grant_ends() -> None:
    site = OssSite()
    grant = site.grant(PATH)
    assert "InvalidAccessKeyId" in put(OssSite(), grant).text
    grant.ends_at = 0
    assert "SecurityTokenExpired" in put(site, grant).text


def test_it_fails_on_demand() -> None:
    site = OssSite(fault="500")
    assert put(site, site.grant(PATH)).status == 500
    site.fault = "reset"
    assert put(site, site.grant(PATH)).end == "reset"
