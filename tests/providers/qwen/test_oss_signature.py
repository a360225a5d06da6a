"""The signature of the object store: the vectors that its maker's own SDKs are tested with."""

import pytest

from providers.qwen.oss_signature import scope, signature, stamp

QUERY = {"param1": "value1", "+param1": "value3", "|param1": "value4", "+param2": "", "|param2": "", "param2": ""}
HEADERS = {
    "x-oss-head1": "value",
    "abc": "value",
    "zabc": "value",
    "xyz": "value",
    "content-type": "text/plain",
    "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
}


@pytest.mark.parametrize(
    ("seconds", "more", "expected"),
    [
        (1702743657, {}, "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe"),
        (
            1702784856,
            {"x-oss-security-token": "token"},
            "b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea",
        ),
    ],
)
def test_the_published_vectors(seconds: int, more: dict[str, str], expected: str) -> None:
    headers = {**HEADERS, **more, "x-oss-date": stamp(seconds * 1000)}
    found = signature("PUT", "/bucket/1234+-/123/1.txt", headers, secret="sk", region="cn-hangzhou", query=QUERY)
    assert found == expected


def test_stamps_and_scopes() -> None:
    assert stamp(1702743657999) == "20231216T162057Z"
    assert scope("20231216T162057Z", "cn-hangzhou") == "20231216/cn-hangzhou/oss/aliyun_v4_request"


def test_each_part_counts() -> None:
    def signed(method: str = "PUT", resource: str = "/b/k", secret: str = "s", region: str = "r", **more: str) -> str:
        return signature(method, resource, {"x-oss-date": "20231216T162057Z", **more}, secret=secret, region=region)

    others = [
        signed("GET"),
        signed(resource="/b/l"),
        signed(secret="t"),
        signed(region="q"),
        signed(**{"content-type": "a"}),
        signed(**{"x-oss-date": "20231216T162058Z"}),
    ]
    assert len({signed(), *others}) == 7
    assert signed() == signed(accept="x")
