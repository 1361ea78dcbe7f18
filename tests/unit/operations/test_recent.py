"""What is kept of what was asked for lately."""

from __future__ import annotations

from kadeploy.operations.recent import Recent


def test_what_was_asked_for_least_recently_makes_room() -> None:
    recent: Recent[str] = Recent(10)
    for key in "abc":
        recent.put(key, key.upper(), 3)
    assert recent.get("a") == "A"
    recent.put("d", "D", 3)
    assert [recent.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_it_weighs_what_was_put_last() -> None:
    recent: Recent[str] = Recent(10)
    recent.put("a", "small", 1)
    recent.put("b", "B", 5)
    recent.put("a", "large", 6)
    assert (recent.get("a"), recent.get("b")) == ("large", None)
    recent.drop("a")
    recent.drop("a")
    recent.put("b", "B", 5)
    recent.put("c", "C", 5)
    assert (recent.get("b"), recent.get("c")) == ("B", "C")


def test_the_newest_is_kept_whatever_it_weighs() -> None:
    recent: Recent[str] = Recent(10)
    recent.put("a", "A", 1)
    recent.put("b", "B", 100)
    assert (recent.get("a"), recent.get("b")) == (None, "B")
