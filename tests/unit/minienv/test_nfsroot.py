"""Where there is no minimal environment, none is put on NFS."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.errors import BadConfiguration
from kadeploy.minienv.nfsroot import unpack


@pytest.mark.parametrize("initrd", [None, b"an initrd of somebody else's"])
def test_what_is_no_minimal_environment_is_told(tmp_path: Path, initrd: bytes | None) -> None:
    if initrd is not None:
        (tmp_path / "initrd").write_bytes(initrd)
    with pytest.raises(BadConfiguration, match=rf"there is no minimal environment in {tmp_path}"):
        unpack(tmp_path, tmp_path / "root")
