"""Root binds the ports and then becomes somebody else."""

from __future__ import annotations

import os
import pwd

from netbootd.config import Config, ConfigError, Problem


def account(config: Config) -> pwd.struct_passwd | None:
    """Whom to become once the ports are bound, None to stay who we are: only root can.

    Raises `ConfigError` when there is no such user.
    """
    if config.user is None or os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(config.user)
    except KeyError:
        wrong = Problem(str(config.path), None, "user", f"there is no user {config.user!r} on this machine")
        raise ConfigError((wrong,)) from None


def become(account: pwd.struct_passwd | None) -> None:
    """Be this user, with its groups and none of ours, from now on."""
    if account is not None:
        os.initgroups(account.pw_name, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
