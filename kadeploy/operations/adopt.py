"""Taking over what a configuration decides while the use cases are at work: the next call goes by it."""

from __future__ import annotations

from kadeploy.operations.assemble import UseCases
from kadeploy.operations.foundation import Policy


def adopt(use_cases: UseCases, policy: Policy) -> None:
    """All of the policy but consoles and the sizes of archives, which are taken at a start."""
    use_cases.permission.adopt(policy.groups, enforced=policy.rights_enforced)
    use_cases.rights.administrators = policy.administrators
    use_cases.tokens.lifetimes = policy.tokens
    use_cases.hooks.always = policy.hooks_always
    use_cases.running.listed_for = policy.listed_for
    use_cases.retention.kept_for = policy.kept_for
    use_cases.retention.statistics_kept_for = policy.statistics_kept_for
