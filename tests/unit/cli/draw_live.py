"""Draws docs/images/live.svg, the picture of the live display: `python -m tests.unit.cli.draw_live`."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from kadeploy.cli.display import Board
from kadeploy.cli.render import screen
from tests.unit.cli.story import Teller, to_broadcast

PICTURE = Path(__file__).parents[3] / "docs" / "images" / "live.svg"
COMMAND = "kadeploy -f nodes -e debian12-min -k --output-ok-nodes ok --output-ko-nodes ko"
WIDTH = 100


def picture() -> str:
    """The display in the middle of the broadcast, as SVG without fonts from elsewhere."""
    teller, board = Teller(), Board()
    for event in to_broadcast(teller):
        board.apply(event)
    console = Console(
        record=True, width=WIDTH, height=24, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text(f"$ {COMMAND}"), Text(f"{board.operation} launched"), sep="\n")
    console.print(screen(board, now=teller.at, width=WIDTH, height=24))
    drawn = console.export_svg(title="kadeploy", unique_id="live")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


def words(drawn: str) -> list[str]:
    """What can be read in the picture."""
    return re.findall(r"[^\s<>]+", re.sub(r"<style>.*?</style>|<[^>]*>", " ", drawn.replace("&#160;", " "), flags=re.S))


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
