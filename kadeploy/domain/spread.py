"""How an image gets to many nodes."""

from __future__ import annotations

from enum import StrEnum


class Spread(StrEnum):
    CHAIN = "chain"
    TREE = "tree"
    UNICAST = "unicast"  # everybody from the server
