"""Run a command tied to the life of the process that started it.

Usage: `python -S tether.py SIGNAL PARENT [--user ACCOUNT] -- COMMAND…`. On Linux the kernel sends SIGNAL to
the command when the parent dies, kill -9 included; elsewhere the command simply runs. A program of its own
instead of a preexec_fn: it is safe in a threaded parent, and the tie must be made after the user switch, as
that clears it.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def drop_to(user: str) -> None:
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)
    os.environ["HOME"] = "/"


def main(arguments: list[str]) -> None:
    death_signal, parent = signal.Signals[arguments[0]], int(arguments[1])
    options, command = arguments[2 : arguments.index("--")], arguments[arguments.index("--") + 1 :]
    if options:
        drop_to(options[1])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        # The parent may have died between fork and prctl, in which case no signal will ever come.
        if os.getppid() != parent:
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - becoming the given command is the purpose


if __name__ == "__main__":
    main(sys.argv[1:])
