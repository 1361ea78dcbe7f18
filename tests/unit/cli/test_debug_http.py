"""What --debug-http hides."""

from __future__ import annotations

import pytest

from kadeploy.cli.debug_http import redacted, redacted_headers

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"token": "s3cr3t", "name": "x"}', '{"token": "[hidden]", "name": "x"}'),
        ('{"root_password" : "s3\\"cr3ts3cr3t"}', '{"root_password" : "[hidden]"}'),
        ("http://alice:s3cr3t@images/d.tgz", "http://[hidden]@images/d.tgz"),
        ("https://x/y?version=2&access_token=s3cr3t&z=1", "https://x/y?version=2&access_token=[hidden]&z=1"),
        ("http://s3/x?X-Amz-Credential=s3cr3t&X-Amz-Signature=s3cr3t", "http://s3/x?X-Amz-Credential=[hidden]&X-Amz-Signature=[hidden]"),
        (f"kept kdp_{'0' * 12}_{SECRET} here", "kept [hidden] here"),
        ("eyJhbGciOi.eyJzdWIi.s3cr3t", "[hidden]"),
        ("https://server:25300/nodes?list=true", "https://server:25300/nodes?list=true"),
        ('{"nodes": ["node-1"], "mail": "a@b"}', '{"nodes": ["node-1"], "mail": "a@b"}'),
    ],
)  # fmt: skip
def test_of_a_text(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert SECRET not in redacted(text)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer s3cr3t", "Authorization: Bearer [hidden]"),
        ("authorization", "s3cr3t", "authorization: [hidden]"),
        ("Cookie", "session=s3cr3t; a=b", "Cookie: [hidden]"),
        ("X-Kadeploy-User", "alice", "X-Kadeploy-User: alice"),
        ("Location", "http://a:s3cr3t@x/", "Location: http://[hidden]@x/"),
    ],
)
def test_of_headers(name: str, value: str, shown: str) -> None:
    assert list(redacted_headers({name: value})) == [shown]
