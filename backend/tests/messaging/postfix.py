"""A Postfix of the test's own: its configuration, queue and mailboxes lie in a folder that goes away with it.

Its master process has to be started by root, as a CI machine and a container are; the system's own instance, if one
runs, is left alone.
"""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 60.0
PROGRAM = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.example.com
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = reject_unauth_destination
# What a careful receiver asks for.
strict_rfc821_envelopes = yes
disable_vrfy_command = yes
smtpd_reject_unlisted_recipient = yes
strict_7bit_headers = yes
strict_8bitmime_body = yes
strict_mime_encoding_domain = yes
virtual_mailbox_domains = example.com acme.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ zoe@example.com=zoe/, @acme.example=returns/ }}
# Taken, and only then found to be nobody's: what comes of it goes back to the sender.
virtual_alias_maps = inline:{{ ghost@example.com=nobody@example.com }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
alias_maps =
alias_database =
local_recipient_maps =
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """Where it listens and where it puts the mail of zoe@example.com, and of everybody at acme.example."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?connections=2"

    def delivered(self, count: int, mailbox: str = "zoe") -> list[bytes]:
        """What lies in the mailbox once so many messages do."""
        new = self.folder / "mail" / mailbox / "new"
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = sorted(new.glob("*")) if new.exists() else []
            if len(found) >= count:
                return [path.read_bytes() for path in found]
            time.sleep(0.02)
        raise AssertionError(f"not delivered:\n{(self.folder / 'log').read_text()[-3000:]}")


@contextmanager
def running(folder: Path) -> Iterator[Postfix]:
    """The server at work; ``folder`` must be one that its user can reach."""
    assert PROGRAM, "postfix is not installed: apt-get install postfix"
    assert os.geteuid() == 0, "postfix is started by root only"
    user = pwd.getpwnam("postfix")
    for name in ("config", "queue", "data", "mail"):
        (folder / name).mkdir()
    for name in ("data", "mail"):
        os.chown(folder / name, user.pw_uid, user.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = folder / "config"
    (config / "main.cf").write_text(_MAIN.format(folder=folder, uid=user.pw_uid, gid=user.pw_gid))
    (config / "master.cf").write_text(_MASTER.format(port=port))
    (folder / "log").touch()

    def run(command: str) -> None:
        done = subprocess.run(
            [PROGRAM or "", "-c", config, command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr + (folder / "log").read_text()

    run("start")
    try:
        yield Postfix(port, folder)
    finally:
        run("stop")
