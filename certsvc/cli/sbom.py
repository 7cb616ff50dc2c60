"""The bill of materials (CycloneDX 1.6, JSON) from the lock files: what is in the image, nothing that tests need.

The same locks give the same bytes, so that two builds can be compared; hence no time and no random number in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from typing import TYPE_CHECKING, Any

import certsvc
from certsvc.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
VIA = re.compile(r"^\s+#\s+(?:via\s+)?([A-Za-z0-9][A-Za-z0-9._-]*)\s*$")
SPEC = "1.6"
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
"""That of URLs (RFC 9562, appendix A)."""
ITSELF = "pkg:generic/certsvc"


def write_sbom(lock: Path, pages: Path, out: Path) -> int:
    """Write the document; how many components it has.

    Raises:
        ConfigurationError: a lock without a single pinned package, which is no lock.
    """
    text = lock.read_text(encoding="utf-8")
    document = bill_of_materials(text, json.loads(pages.read_text(encoding="utf-8")))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return len(document["components"])


def bill_of_materials(lock: str, pages: dict[str, Any]) -> dict[str, Any]:
    """The document of a lock of pip-compile's form and of an npm lock (version 3)."""
    python, needed_by = _python(lock)
    if not python:
        raise ConfigurationError("锁定文件中没有任何固定版本的依赖，请检查 --lock")
    components = [*python.values(), *_npm(pages)]
    root = f"{ITSELF}@{certsvc.__version__}"
    needs: dict[str, list[str]] = {one["bom-ref"]: [] for one in components}
    needs[root] = [one["bom-ref"] for one in components if not needed_by.get(one["name"], set()) & python.keys()]
    for name, users in needed_by.items():
        for user in users & python.keys():
            needs[python[user]["bom-ref"]].append(python[name]["bom-ref"])
    digest = hashlib.sha256(json.dumps([lock, pages], sort_keys=True).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, f'certsvc:{certsvc.__version__}:{digest}')}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "certsvc",
                "version": certsvc.__version__,
                "purl": root,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(found)} for ref, found in sorted(needs.items())],
    }


def _python(lock: str) -> tuple[dict[str, dict[str, Any]], dict[str, set[str]]]:
    """Components by name, and by whom each is needed (the comments of the lock)."""
    found: dict[str, dict[str, Any]] = {}
    needed_by: dict[str, set[str]] = {}
    name = ""
    for line in lock.splitlines():
        if pinned := PINNED.match(line):
            name = pinned[1].lower().replace("_", "-")
            purl = f"pkg:pypi/{name}@{pinned[2]}"
            found[name] = {"type": "library", "bom-ref": purl, "name": name, "version": pinned[2], "purl": purl}
            needed_by[name] = set()
        elif name and (via := VIA.match(line)):
            needed_by[name].add(via[1].lower().replace("_", "-"))
    return found, needed_by


def _npm(pages: dict[str, Any]) -> list[dict[str, Any]]:
    """What the built pages may contain: packages that are not only tools of the build."""
    made = []
    for place, one in sorted(pages.get("packages", {}).items()):
        if not place or any(one.get(flag) for flag in ("dev", "optional", "devOptional", "peer")):
            continue
        name = place.rpartition("node_modules/")[2]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{one['version']}"
        algorithm, _, value = one["integrity"].partition("-")
        digest = {"alg": algorithm.upper().replace("SHA", "SHA-"), "content": base64.b64decode(value).hex()}
        part = {"type": "library", "bom-ref": purl, "name": name, "version": one["version"], "purl": purl}
        made.append({**part, "hashes": [digest]})
    return made
