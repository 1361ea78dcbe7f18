"""/reload: reading the configuration again, for administrators."""

from __future__ import annotations

from kadeploy.api.call import Call
from kadeploy.errors import BadConfiguration, InvalidFile
from kadeploy.ports.reload import Reload


class ReloadResource:
    def __init__(self, configuration: Reload) -> None:
        self._configuration = configuration

    async def reload(self, call: Call) -> object:
        try:
            told = await self._configuration.reload()
        except BadConfiguration as error:  # here it is what was asked about, and no defect
            raise InvalidFile(error.message, hint=error.hint) from error
        return {"changed": list(told.changed), "restart": list(told.kept), "warnings": list(told.warnings)}
