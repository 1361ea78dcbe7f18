"""Taking over what a configuration decides while the use cases are at work: the next call goes by it."""

from __future__ import annotations

from kadeploy.operations.assemble import UseCases
from kadeploy.operations.foundation import Policy


def adopt(use_cases: UseCases, policy: Policy) -> None:
    """All of the policy."""
    use_cases.permission.adopt(policy.groups, system_groups=policy.system_groups, enforced=policy.rights_enforced)
    use_cases.deploy.limits = use_cases.checksums.limits = policy.archives
    use_cases.consoles.adopt(policy.consoles)
    use_cases.rights.administrators = policy.administrators
    use_cases.tokens.lifetimes = policy.tokens
    use_cases.hooks.always = policy.hooks_always
    use_cases.running.listed_for = policy.listed_for
    use_cases.retention.kept_for = policy.kept_for
    use_cases.retention.statistics_kept_for = policy.statistics_kept_for
