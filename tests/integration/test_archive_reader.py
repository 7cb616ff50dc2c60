"""A package judged by somebody who has docs/archive.md, a public key, zipfile, hashlib and openssl, and not us."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from archive_city import make, opened, own_slug, package, resigned, zipped
from fixtures_city import ROOT, ServedCity
from log_city import run_verifier

from certsvc.commands.archiving.checks import CHECKS
from certsvc.errors import ConfigurationError, NotFound
from certsvc.license.archives import TRAIT_ZH

GUIDE = (ROOT / "docs" / "archive.md").read_text(encoding="utf-8")
NAMES = (
    r"说明文件\.txt|metadata\.xml|history\.json|check\.json|manifest\.json|manifest\.note"
    r"|licenses/[0-9A-Z.]+\.pdf|materials/\w+\.pdf|evidence/[0-9A-Z.]+\.zip"
)


class Wrong(Exception):
    """What the reader found."""


def read(path: Path, verifier_key: str, place: Path) -> dict[str, bytes]:
    """The files of a package, or :class:`Wrong`: every step is one that the page describes."""
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
        if any(one.flag_bits & 1 or one.compress_type not in (0, 8) for one in listed):
            raise Wrong("packing")
        if not all(re.fullmatch(NAMES, one.filename) for one in listed):
            raise Wrong("name")
        files = {one.filename: archive.read(one) for one in listed}
    manifest = files["manifest.json"]
    said = json.loads(manifest)
    if said["format"] != "certsvc-archive/1":
        raise Wrong("format")
    body, _, signature = files["manifest.note"].decode().partition("\n\n")
    if body.split("\n") != [said["origin"], "certsvc-archive", hashlib.sha256(manifest).hexdigest()]:
        raise Wrong("note")
    check_signature(body + "\n", signature, verifier_key, place)
    stated = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "sm3": sm3(data)}
        for name, data in files.items()
        if name not in ("manifest.json", "manifest.note")
    }
    if stated != said["files"]:
        raise Wrong("digests")
    return files


def sm3(data: bytes) -> str:
    run = subprocess.run(["openssl", "dgst", "-sm3", "-r"], input=data, capture_output=True, check=True)
    return run.stdout.decode().split()[0]


def check_signature(text: str, line: str, verifier_key: str, place: Path) -> None:
    name, key_id, blob = verifier_key.split("+", 2)
    raw = base64.b64decode(blob)
    assert raw[0] == 2
    assert hashlib.sha256(raw[1:]).hexdigest()[:8] == key_id
    dash, signer, signed = line.rstrip("\n").split(" ")
    data = base64.b64decode(signed)
    if (dash, signer, data[:4].hex()) != ("—", name, key_id):
        raise Wrong("signer")
    (place / "key.der").write_bytes(raw[1:])
    (place / "signature").write_bytes(data[4:])
    (place / "text").write_bytes(text.encode())
    command = ["openssl", "dgst", "-sha256", "-verify", "key.der", "-keyform", "DER", "-signature", "signature", "text"]
    if subprocess.run(command, cwd=place, capture_output=True, check=False).returncode:
        raise Wrong("signature")


@pytest.fixture
def made(small_city: ServedCity, tmp_path: Path) -> tuple[dict[str, Any], Path, str]:
    """A package of a license that was suspended, as a file; and the public key."""
    slug = own_slug(small_city)
    identifier = small_city.issue(slug, "ARC-READER")["identifier"]
    small_city.answer(small_city.move(identifier, "suspend", slug=slug), 201)
    record = make(small_city, identifier=identifier)
    path = tmp_path / "package.zip"
    path.write_bytes(package(small_city, record["archive_id"]))
    return record, path, str(small_city.client.get("/v1/log/keys").json()["verifier_keys"][0])


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_a_package_is_judged_from_the_page_alone(
    small_city: ServedCity, made: tuple[dict[str, Any], Path, str], tmp_path: Path
) -> None:
    record, path, key = made
    files = read(path, key, tmp_path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == record["sha256"]
    assert sm3(path.read_bytes()) == record["sm3"]
    identifier = record["label"]
    root = ET.fromstring(files["metadata.xml"].decode())  # noqa: S314 - a file of our own
    [block] = root.findall("license")
    assert block.get("file") == f"licenses/{identifier}.pdf"
    items = {one.get("element"): one.text for one in block}
    assert items["certificateIdentifier"] == identifier
    assert items["state"] == "暂扣"
    [version] = json.loads(files["history.json"])["versions"]
    assert [one["move"] for one in version["moves"]] == ["suspend"]
    assert version["sha256"] == hashlib.sha256(files[f"licenses/{identifier}.pdf"]).hexdigest()
    bundle = tmp_path / "evidence.zip"
    bundle.write_bytes(files[f"evidence/{identifier}.zip"])
    run = run_verifier("bundle", bundle, "--key", key)
    assert run.returncode == 0, run.stdout
    assert "archivist" not in run.stdout + json.dumps(json.loads(opened(bundle.read_bytes())["bundle.json"]))
    for name in ("metadata.xml", "history.json", f"licenses/{identifier}.pdf", "manifest.json"):
        other = tmp_path / "other.zip"
        other.write_bytes(zipped({**files, name: files[name] + b" "}))
        with pytest.raises(Wrong):
            read(other, key, tmp_path)


def test_the_command_judges_alone_and_says_what_it_did_not_check(
    small_city: ServedCity, made: tuple[dict[str, Any], Path, str], tmp_path: Path
) -> None:
    """On a machine of an archive: no register, only the package and the key; then a swapped file, then another key."""
    record, path, key = made
    files = opened(path.read_bytes())
    name = f"licenses/{record['label']}.pdf"
    bad = tmp_path / "bad.zip"
    bad.write_bytes(resigned(small_city, {**files, name: files[name].replace(b"/Producer", b"/Pr0ducer")}))
    place = tmp_path / "elsewhere"
    place.mkdir()
    command = [str(ROOT / ".venv/bin/python"), "-m", "certsvc", "archive", "check"]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(place)}
    trust = [part for anchor in sorted(small_city.anchor.glob("*.pem")) for part in ("--trust", str(anchor))]
    run = subprocess.run(
        [*command, str(path), str(bad), "--key", key, *trust, "--json"],
        cwd=place,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 1, run.stderr
    good, wrong = [json.loads(line) for line in run.stdout.splitlines()]
    assert good["passed"], good
    found = {one["code"]: one["result"] for one in good["items"]}
    assert found["signature"] == "passed"
    assert found["registered"] == "not_applicable"
    assert found["signatures"] == "passed"
    assert good["unchecked"] == 0
    assert not wrong["passed"]
    assert {"signatures", "evidence"} <= {one["code"] for one in wrong["items"] if one["result"] == "failed"}


def test_without_a_key_the_command_does_not_say_that_a_package_passed(
    made: tuple[dict[str, Any], Path, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from certsvc.cli import archives as command

    def nowhere() -> None:
        raise ConfigurationError("none")

    monkeypatch.setattr(command, "is_configured", lambda: False)
    monkeypatch.setattr(command, "load_settings", nowhere)
    assert command.check_paths([made[1]], [], as_json=False) == 0
    said = capsys.readouterr().out
    assert "四性检测通过" not in said
    assert "没有不通过的，3 项未核对" in said, "清单签名、签章的证书链、留痕"


def test_make_writes_what_is_due_and_goes_on_where_it_stopped(small_city: ServedCity, tmp_path: Path) -> None:
    slug = own_slug(small_city)
    identifier = small_city.issue(slug, "ARC-CLI")["identifier"]
    small_city.answer(small_city.move(identifier, "revoke", slug=slug), 201)
    from log_city import settle

    settle(small_city)
    from certsvc.cli import archives as command

    out = tmp_path / "archives"

    def run() -> list[str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(command, "load_settings", lambda: None)
            patch.setattr(command, "build", lambda _settings: _Kept(small_city.service))
            assert command.make_due(out, authority="", identifier="") == 0
        return sorted(path.name for path in out.iterdir())

    [name] = run()
    first = (out / name).read_bytes()
    assert name.endswith(".zip")
    assert run() == [name]
    (out / name).unlink()
    assert run() == [name]
    assert (out / name).read_bytes() == first
    assert (out.stat().st_mode & 0o777, (out / name).stat().st_mode & 0o777) == (0o700, 0o600)
    taken = small_city.rows("SELECT count(*) FROM evidence WHERE kind = 'archive.taken'")
    assert taken == [(2,)], "each time that it was written, and not when it was there"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "load_settings", lambda: None)
        patch.setattr(command, "build", lambda _settings: _Kept(small_city.service))
        with pytest.raises(NotFound):
            command.make_due(out, authority="11990000MB0000086D", identifier=identifier)


class _Kept:
    """A service that the command may close without ending it."""

    def __init__(self, service: Any) -> None:
        self.deps = service.deps

    def close(self) -> None:
        """Nothing."""


def test_the_page_lists_the_checks_as_they_are() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w{3}) \| ([^|]+) \|", GUIDE, re.MULTILINE)
    assert [(code, trait, name.strip()) for code, trait, name in rows] == [
        (code, TRAIT_ZH[trait], name) for code, trait, name, _, _ in CHECKS
    ]
