"""sushy-tools' BMC over machines in memory: `python -m ... USER PASSWORD http|https FOLDER NAME...` prints its port."""

from __future__ import annotations

import sys
from pathlib import Path

import bcrypt
from sushy_tools.emulator.main import app
from werkzeug.serving import make_server

from tests.contract.simulators import machines


def main(user: str, password: str, scheme: str, folder: str, *names: str) -> None:
    kept = machines.define(list(names))
    known = Path(folder) / "htpasswd"
    known.write_text(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
    app.configure(extra_config={"SUSHY_EMULATOR_LIBVIRT_URI": machines.URI, "SUSHY_EMULATOR_AUTH_FILE": str(known)})
    server = make_server("127.0.0.1", 0, app, ssl_context="adhoc" if scheme == "https" else None)
    print(f"ready {server.port}", flush=True)  # noqa: T201
    server.serve_forever()
    kept.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
