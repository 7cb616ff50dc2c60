"""``certsvc archive``: what is due, made into packages with a progress bar; packages checked, register or not."""

from __future__ import annotations

import json
import os
from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from certsvc.app import build, standalone_inspector, standalone_uploads
from certsvc.cli import evidence_verifier
from certsvc.cli.consoles import answers
from certsvc.clock import SystemClock
from certsvc.commands.archiving.checks import check_package, conclusion, passed, unchecked
from certsvc.commands.archiving.contents import codes_of, license_contents
from certsvc.commands.archiving.make import archive_contents, item_data
from certsvc.commands.archiving.package import MAX_PACKAGE_BYTES
from certsvc.commands.archiving.records import PAGE, due_archives, take
from certsvc.commands.archiving.tools import Tools, tools_of
from certsvc.commands.issuance.read_license import NO_LICENSE_ZH
from certsvc.commands.log.read import LogBoard
from certsvc.commands.ports import TrustChoice
from certsvc.commands.verifying.conclusion import conclude_without_register
from certsvc.errors import CertsvcError, ConfigurationError, InvalidInput, NotFound
from certsvc.events.checkpoint import write_note
from certsvc.license.archives import ARCHIVE_ZH, FOUND_ZH, TRAIT_ZH, Found
from certsvc.settings import is_configured, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from certsvc.commands.archiving.contents import Contents
    from certsvc.commands.ports import Deps
    from certsvc.events.checkpoint import NoteSignature
    from certsvc.license.archives import Archive, CheckItem
    from certsvc.seal.verdict import Verdict

ACTOR = "operator"
DIRECTORY_MODE, FILE_MODE = 0o700, 0o600
COLOUR = {Found.PASSED: "green", Found.FAILED: "red", Found.NOT_APPLICABLE: "dim"}


def list_due(authority: str, *, as_json: bool) -> None:
    """Print what is due, as it is found."""
    service = build(load_settings())
    console, count = answers(), 0
    try:
        for one in due_archives(service.deps, authority):
            count += 1
            if as_json:
                said = {
                    "kind": one.kind.value,
                    "label": one.label,
                    "authority_code": one.authority_code,
                    "keeping": one.keeping.value,
                    "obstacle": one.too_large,
                }
                print(json.dumps(said, ensure_ascii=False))
            else:
                line = f"{ARCHIVE_ZH[one.kind]}　{one.label}　{one.authority_code}　{one.keeping.zh}"
                console.print(f"{line}　{one.too_large}" if one.too_large else line, soft_wrap=True)
    finally:
        service.close()
    if not as_json:
        console.print(
            f"应归档而未归档 {count} 项；制作：certsvc archive make --out 目录" if count else "没有应归档而未归档的"
        )


def make_due(out: Path, *, authority: str, identifier: str) -> int:
    """Make what is due and write every package that was not handed over; 1 if one could not be made."""
    service = build(load_settings())
    # Packages name people: nobody else on this machine reads them, nor sees which there are.
    out.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
    out.chmod(DIRECTORY_MODE)
    console, board, trouble = answers(), LogBoard(), []
    written = 0
    try:
        deps = service.deps
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("归档", total=None)
            for contents in _wanted(deps, authority, identifier):
                bar.advance(task)
                try:
                    made = archive_contents(deps, contents, actor=ACTOR, board=board)
                except CertsvcError as error:
                    reasons = "；".join(one.detail for one in error.problems) or error.detail
                    trouble.append(f"{ARCHIVE_ZH[contents.kind]} {contents.label}：{reasons}")
                    continue
                written += _write(deps, out, made)
            if not identifier:
                # Packages of an earlier run that did not get to write them, or wrote them elsewhere.
                written += sum(_write(deps, out, one) for one in _waiting(deps, authority))
    finally:
        service.close()
    console.print(f"写出归档信息包 {written} 个，目录 {out}")
    for line in trouble:
        console.print(f"[red]没有制成[/]　{line}", soft_wrap=True)
    return 1 if trouble else 0


def check_paths(paths: Sequence[Path], keys: Sequence[str], trust: Sequence[Path] = (), *, as_json: bool) -> int:
    """Check packages and print the reports; 1 if an item of one failed.

    Raises:
        InvalidInput: a file that is larger than a package may be, or a key that is none; nothing was checked.
    """
    for path in paths:
        if path.stat().st_size > MAX_PACKAGE_BYTES:
            raise InvalidInput(f"{path.name} 超过 {MAX_PACKAGE_BYTES // 1024 // 1024} MB，没有检测")
    tools, close, note = _tools(keys, TrustChoice(extra_anchors=tuple(path.read_bytes() for path in trust)))
    good = True
    try:
        for path in paths:
            items = check_package(path.read_bytes(), tools)
            good = good and passed(items)
            if as_json:
                said = {
                    "file": path.name,
                    "passed": passed(items),
                    "unchecked": unchecked(items),
                    "items": [item_data(one) for one in items],
                }
                print(json.dumps(said, ensure_ascii=False), flush=True)
            else:
                _print_items(path.name, items)
    finally:
        close()
    if note and not as_json:
        answers().print(note, soft_wrap=True)
    return 0 if good else 1


def _print_items(name: str, items: Sequence[CheckItem]) -> None:
    table = Table(
        Column("性质"),
        Column("项目"),
        Column("结果"),
        Column("说明", overflow="fold"),
        Column("下一步", overflow="fold"),
    )
    for one in items:
        result = f"[{COLOUR[one.found]}]{FOUND_ZH[one.found]}[/]"
        table.add_row(TRAIT_ZH[one.trait], one.name, result, escape(one.reason), escape(one.next_step))
    console = answers()
    console.print(table)
    said = conclusion(items) if passed(items) else f"[red]{conclusion(items)}[/]"
    console.print(f"{escape(name)}　{said}", soft_wrap=True)


def _wanted(deps: Deps, authority: str, identifier: str) -> Iterator[Contents]:
    if not identifier:
        yield from due_archives(deps, authority)
        return
    with deps.uow.read() as tx:
        contents = license_contents(deps, tx, identifier)
    if authority not in ("", contents.authority_code):
        raise NotFound(NO_LICENSE_ZH)
    yield contents


def _waiting(deps: Deps, authority: str) -> Iterator[Archive]:
    behind, codes = None, codes_of(deps, authority) if authority else None
    while True:
        with deps.uow.read() as tx:
            page = tx.archives.of(codes, limit=PAGE, behind=behind)
        yield from (one for one in page if not one.handed_over)
        if len(page) < PAGE:
            return
        behind = (page[-1].made_at, page[-1].archive_id)


def _write(deps: Deps, out: Path, archive: Archive) -> int:
    """Write a package unless it is there whole; half a file is never left under its name."""
    path = out / f"{archive.archive_id}.zip"
    if path.exists() and path.stat().st_size == archive.size:
        return 0
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    data = take(deps, archive, actor=ACTOR)
    with open(part, "xb", opener=lambda name, flags: os.open(name, flags, FILE_MODE)) as file:
        file.write(data)
    part.replace(path)
    return 1


def _tools(keys: Sequence[str], choice: TrustChoice) -> tuple[Tools, Callable[[], None], str]:
    """With the register where this machine has one; keys that were given are asked instead of the service's own."""
    held = _note_holds(keys) if keys else None
    with suppress(ConfigurationError) if not is_configured() else nullcontext():
        settings = load_settings()
        if settings.master_key.exists() and settings.has_database():
            service = build(settings)
            tools = tools_of(service.deps, choice)
            return (replace(tools, note_holds=held) if held else tools), service.close, ""
    inspector, (uploads, workers), clock = standalone_inspector(), standalone_uploads(), SystemClock()

    def judge(data: bytes) -> Verdict:
        now = clock.now()
        return conclude_without_register(inspector.inspect(data, choice, now), now)

    def close() -> None:
        inspector.close()
        workers.close()

    tools = Tools(
        note_holds=held or (lambda _text, _signatures: None),
        judge=judge,
        facts=uploads.facts,
        registered=lambda _sha256: None,
        stamped=lambda _sha256: None,
        monotonic=clock.monotonic,
    )
    return tools, close, "没有与登记比对：这台机器没有登记库"


def _note_holds(keys: Sequence[str]) -> Callable[[str, Sequence[NoteSignature]], bool]:
    """Whether one of these keys signed, as the stand-alone verifier of evidence bundles has it."""
    try:
        known = [evidence_verifier.read_key(one) for one in keys]
    except evidence_verifier.Fails as error:
        raise InvalidInput(str(error)) from error

    def holds(text: str, signatures: Sequence[NoteSignature]) -> bool:
        try:
            evidence_verifier.open_note(write_note(text, tuple(signatures)), known)
        except (evidence_verifier.Fails, ValueError):
            return False
        return True

    return holds
