"""Which of a server's words are good enough not to fetch again."""

from __future__ import annotations

import pytest

from kadeploy.files.fetch import Validators, validators_from

TEN = "Mon, 06 Jan 2020 10:00:00 GMT"
JUST_AFTER = "Mon, 06 Jan 2020 10:00:01 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Validators()),
        ({"etag": '"v1"'}, Validators(etag='"v1"')),
        ({"etag": 'W/"v1"'}, Validators()),
        ({"last-modified": TEN, "date": JUST_AFTER}, Validators(modified=TEN)),
        ({"last-modified": TEN, "date": TEN}, Validators()),
        ({"last-modified": TEN}, Validators()),
        ({"last-modified": "yesterday", "date": TEN}, Validators()),
        ({"etag": '"v1"', "last-modified": TEN, "date": JUST_AFTER}, Validators(etag='"v1"', modified=TEN)),
    ],
)
def test_only_what_vouches_for_every_byte_counts(headers: dict[str, str], expected: Validators) -> None:
    assert validators_from(headers) == expected
