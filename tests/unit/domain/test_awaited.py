"""Tokens in a plan, and what takes their places."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.awaited import FetchedFile, WantedFile, filled
from kadeploy.domain.image import LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.plan import Plan
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import decode, encode
from kadeploy.testing.sites import request_for, site_of

IMAGE = WantedFile(number=0, url="http://web/image", size=5)
KEYS = WantedFile(number=10, url="http://web/keys", keys=True)
HERE = {
    0: FetchedFile(file=LocalFile(path="/kept/image", size=7, sha256="a" * 64)),
    10: FetchedFile(file=LocalFile(path="/kept/keys", size=4, sha256="b" * 64), text="ssh-ed25519 AAAA alice\n"),
}


def plan_of(*wanted: WantedFile) -> Plan:
    site = site_of(2)
    request = request_for(NodeSet(site.nodes), image=IMAGE.awaited, authorized_keys=KEYS.token, wanted=wanted)
    return build_deploy(request, site, "sim")


def test_a_plan_is_filled_in_as_if_it_had_been_made_with_the_files() -> None:
    site = site_of(2)
    request = request_for(NodeSet(site.nodes), image=HERE[0].file, authorized_keys=HERE[10].text, wanted=(IMAGE, KEYS))
    assert filled(plan_of(IMAGE, KEYS), HERE) == build_deploy(request, site, "sim")
    assert (plan_of(IMAGE).image_size, plan_of(IMAGE).image_sha256) == (5, "")
    here = filled(plan_of(IMAGE), HERE)
    assert (here.image_size, here.image_sha256) == (7, "a" * 64)


def test_what_is_not_here_stays_awaited() -> None:
    plan = plan_of(IMAGE, KEYS)
    assert filled(plan, {}) is plan
    half = filled(plan, {0: HERE[0]})
    assert KEYS.token in str(encode(half))
    assert filled(half, {10: HERE[10]}) == filled(plan, HERE)


def test_a_number_is_not_the_beginning_of_another() -> None:
    ten = replace(IMAGE, number=1)
    assert filled(f"{ten.token} {KEYS.token}", {1: HERE[0]}) == f"{'a' * 64} {KEYS.token}"


def test_it_lasts_in_json() -> None:
    plan = plan_of(IMAGE, KEYS)
    assert decode(encode(plan)) == plan
    for one in HERE.values():
        assert FetchedFile.from_json(one.to_json()) == one


@given(st.text())
def test_other_text_is_left_alone(text: str) -> None:
    if "{awaited:" not in text:
        assert filled(text, HERE) == text
