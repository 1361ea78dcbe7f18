"""Asks a server the same few things over and over, from a process of its own, until its standard input is closed:
`python -m bench.api_probe URL PATH...`. Prints the seconds of every request, in JSON, by path."""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request

PAUSE = 0.05


def main() -> None:
    url, *paths = sys.argv[1:]
    over = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    took: dict[str, list[float]] = {path: [] for path in paths}
    while not over.is_set():
        for path in paths:
            began = time.monotonic()
            request = urllib.request.Request(url + path, headers={"X-Kadeploy-User": "root"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
            took[path].append(time.monotonic() - began)
            time.sleep(PAUSE)
    print(json.dumps(took))


if __name__ == "__main__":
    main()
