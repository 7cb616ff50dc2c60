"""A machine of its own for the commands of a guide: this one's files under a layer that is thrown away.

Its mounts, network, host name and processes are its own (``unshare``), so what a guide does as root (users, ports,
files below ``/etc`` and ``/srv``) is done for real and touches nothing here; when the shell ends, the kernel ends what
it started.
What a guide installs and builds is taken from here: the packages of this machine, this checkout, its environment.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLONE = "/opt/certsvc"
NEEDED = ("unshare", "ip", "nginx", "pg_createcluster", "runuser", "setpriv", "openssl", "curl", "git", "make")
PYTHON = "/usr/bin/python3.11"
LAYER_SIZE = "6g"
"""Of memory, at most: the layer holds a database cluster, a few volumes of the S3 server and copies of both."""

MACHINE = f"""
set -e
mount -t tmpfs -o size={LAYER_SIZE} layer "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cp "$2" "$1/root/guide.sh"
cp "$3" "$1/root/sources.tar"
cd "$1/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs tmp && chmod 1777 tmp
mount -t tmpfs tmpfs run
mount --rbind /sys sys
ip link set lo up
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec env -i HOME=/root "PATH=$PATH" LANG=C.UTF-8 chroot . /bin/bash /guide.sh
"""


def lacking() -> list[str]:
    """What this machine lacks for one, by name; none where it can be made."""
    found = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]
    found += [] if Path(PYTHON).exists() else [PYTHON]
    if os.geteuid() != 0:
        return [*found, "root"]
    if found:
        return found
    tried = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], capture_output=True, check=False)
    return ["unshare"] if tried.returncode else []


def run_on_machine(script: str, scratch: Path, *, timeout_s: float) -> str:
    """Run a shell script on a machine of its own and return what it wrote, its errors among it.

    Raises:
        subprocess.TimeoutExpired: it did not end; its processes were ended with it.
    """
    layer, guide, sources = scratch / "layer", scratch / "guide.sh", scratch / "sources.tar"
    layer.mkdir()
    guide.write_text(_installed() + script, encoding="utf-8")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--deduplicate", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    there = b"\0".join(name for name in listed.split(b"\0") if name and (ROOT / os.fsdecode(name)).is_file())
    subprocess.run(
        ["tar", "--null", "-T", "-", "-cf", str(sources), "certsvc/web/built"], cwd=ROOT, input=there, check=True
    )
    command = [
        "unshare",
        "--mount",
        "--net",
        "--uts",
        "--ipc",
        "--pid",
        "--fork",
        "--kill-child",
        "--propagation",
        "private",
    ]
    with (scratch / "said").open("w+", encoding="utf-8", errors="replace") as said:
        subprocess.run(
            [*command, "/bin/bash", "-c", MACHINE, "machine", str(layer), str(guide), str(sources)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
            preexec_fn=_die_with_parent,
        )
        said.seek(0)
        return said.read()


def _die_with_parent() -> None:
    """Have the kernel end the machine when the test process is killed; ``unshare`` hears nothing milder."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _installed() -> str:
    """What packages and ``make setup`` leave behind: an empty database cluster, the program, its environment."""
    environment, interpreter = Path(sys.prefix).resolve(), Path(sys.executable).name
    opened = {str(path) for found in (environment, (ROOT / ".fonts").resolve()) for path in found.parents}
    return f"""
set -e
cd /root
pg_lsclusters -h | while read -r version name rest; do pg_dropcluster "$version" "$name"; done
pg_createcluster "$(ls /usr/lib/postgresql | sort -n | head -1)" main > /dev/null
chmod o+x {shlex.join(sorted(opened))}
mkdir -p {CLONE} && tar -xf /sources.tar -C {CLONE} --no-same-owner && rm /sources.tar
rm -rf {CLONE}/.venv {CLONE}/.fonts
ln -s {shlex.quote(str(environment))} {CLONE}/.venv
ln -s {shlex.quote(str((ROOT / ".fonts").resolve()))} {CLONE}/.fonts
ln -sf {PYTHON} {CLONE}/.venv/bin/{interpreter}
ln -sf {PYTHON} {CLONE}/.venv/bin/python3.11
for path in {CLONE}/.venv/lib/python3.11/site-packages/*certsvc*.pth; do echo {CLONE} > "$path"; done
set +e
"""
