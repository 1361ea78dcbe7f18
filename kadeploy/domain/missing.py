"""What a launch must name, in the words in which its lack is told.

The tools know them again when they leave out what is wrong, and ask what else is.
"""

from __future__ import annotations

from typing import Final

NO_NODES: Final = "the node list is empty"
NO_ENVIRONMENT: Final = "environment: is required"
