"""An NFS server in user space: it asks nothing of this machine's kernel, and ends with the test."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.vm.waiting import wait_for

PORT = 20490
CONFIGURATION = """\
NFS_CORE_PARAM {{
  Protocols = 4;
  Bind_addr = {address};
  NFS_Port = {port};
  Enable_UDP = false;
  Enable_NLM = false;
  Enable_RQUOTA = false;
}}
NFSv4 {{
  Minor_Versions = 1, 2;
  Graceless = true;
  Only_Numeric_Owners = true;
  RecoveryBackend = fs;
  RecoveryRoot = {folder};
}}
EXPORT {{
  Export_Id = 1;
  Path = {tree};
  Pseudo = /minienv;
  Protocols = 4;
  Transports = TCP;
  Access_Type = RO;
  Squash = none;
  SecType = sys;
  FSAL {{ Name = VFS; }}
}}
"""


@contextlib.contextmanager
def exported(tree: Path, *, address: str, folder: Path) -> Iterator[str]:
    """The tree, for reading: as the kernel argument nfsroot= names it. `folder` is for the server's own files."""
    folder.mkdir()
    settings, log = folder / "ganesha.conf", folder / "ganesha.log"
    settings.write_text(CONFIGURATION.format(address=address, port=PORT, tree=tree, folder=folder))
    argv = ["ganesha.nfsd", "-F", "-f", str(settings), "-L", str(log), "-p", str(folder / "ganesha.pid")]
    server = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: answers(server, address, log), 30, "the NFS server answers")
        yield f"{address}:/minienv,port={PORT}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def answers(server: subprocess.Popen[bytes], address: str, log: Path) -> bool:
    assert server.poll() is None, log.read_text()[-2000:]
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection((address, PORT), timeout=5):
        return True
    return False
