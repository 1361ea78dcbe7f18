"""GET /docs: the document as a page for people. It needs nothing of the internet and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Final

from starlette.responses import Response

_SCRIPT: Final = files("kadeploy.api.described").joinpath("page.js").read_text(encoding="utf-8")
_STYLE: Final = files("kadeploy.api.described").joinpath("page.css").read_text(encoding="utf-8")
_HTML: Final = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Kadeploy's API</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>
<body><header><h1>Kadeploy's API</h1><input id="find" type="search" placeholder="find a path" aria-label="find a path">
</header><main id="paths">The document is at <a href="openapi.json">openapi.json</a>.</main>
<script>{_SCRIPT}</script></body></html>
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY: Final = (
    f"default-src 'none'; connect-src 'self'; script-src {_hash(_SCRIPT)}; style-src {_hash(_STYLE)}; base-uri 'none'"
)


def page() -> Response:
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}
    return Response(_HTML, headers=headers)
