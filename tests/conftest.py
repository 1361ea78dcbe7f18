"""Properties are tried with the same examples at every run, and by no clock: machines are shared."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("kadeploy", deadline=None, derandomize=True)
settings.load_profile("kadeploy")
