"""Scenes end to end: shown by the holder of the type, read by whom the scene is for, exactly as the catalog says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fixtures_city import ServedCity, _served, lay_keys, sandbox_settings

from certsvc.app import build
from certsvc.catalog.loader import load_catalog
from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import FieldKind, LicenseType, Mask, SceneSpec
from certsvc.catalog.type_file import Sample
from certsvc.catalog.validation import face_date
from certsvc.commands.access.seed_sandbox import GATE, seed_sandbox
from certsvc.commands.showing.values import BUILT_IN

AT_LEAST = 30
MOST_TYPES = 12
"""Types whose scenes are run: enough for the number of scenes, few enough for every change."""


def chosen() -> list[tuple[str, str]]:
    """Scenes of the types that have most of them, every audience among them."""
    kinds = sorted((kind for kind in load_catalog().types if kind.scenes), key=lambda kind: -len(kind.scenes))
    return [(kind.slug, scene.code) for kind in kinds[:MOST_TYPES] for scene in kind.scenes]


@pytest.fixture(scope="module")
def issued(
    city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServedCity, dict[str, str]]]:
    """A city and one license of each chosen type, issued in one batch."""
    place = tmp_path_factory.mktemp("scenes")
    lay_keys(city_keys, place / "var")
    shutil.copyfile(sqlite_template, place / "certsvc.sqlite3")
    service = build(sandbox_settings(place / "var", f"sqlite:///{place / 'certsvc.sqlite3'}"))
    try:
        parties = seed_sandbox(service.deps)
        with TestClient(service.application(), raise_server_exceptions=False) as client:
            city = _served(service, parties, client, place)
            asked = {}
            for slug in dict.fromkeys(slug for slug, _ in chosen()):
                body = city.body(slug, f"SCENE-{slug}")
                answer = client.post("/v1/issuances", headers=city.system(), json=body)
                asked[slug] = city.answer(answer, 202)["request_id"]
            city.drain()
            done = {
                slug: city.answer(client.get(f"/v1/issuances/{request}", headers=city.system()), 200)["identifier"]
                for slug, request in asked.items()
            }
            yield city, done
    finally:
        service.close()


def expected(kind: LicenseType, scene: SceneSpec, sample: Sample, card: dict[str, Any]) -> dict[str, str]:
    """What the catalog says a reader of the scene sees, computed here and not by the product's own rooms."""
    masks: dict[str, Mask] = {spec.key: spec.mask("show") for spec in kind.fields}
    masks["holder_name"] = kind.holder_masks.get("show", Mask.NONE)
    masks["holder_code"] = kind.holder_code_masks.get("show", Mask.CODE_TAIL)
    masks["number"] = Mask.CODE_TAIL if kind.number_embeds_id else Mask.NONE
    values = {
        **{spec.key: sample["data"].get(spec.key, "") for spec in kind.fields},
        "holder_name": sample["holder_name"],
        "holder_code": sample["holder_code"],
        "number": card["number"],
        "issuer_name": card["issuer_name"],
        **{key: face_date(card[key]) if card[key] else "长期" for key in ("issued_on", "valid_from", "valid_until")},
    }
    dates = {spec.key for spec in kind.fields if spec.kind is FieldKind.DATE}
    seen = {}
    for key in scene.fields:
        value = face_date(values[key]) if key in dates and values[key] else values[key]
        mask = Mask.NONE if key in scene.unmasked or key not in masks else masks[key]
        seen[key] = apply_mask(mask, value)
    return seen


def test_the_chosen_scenes_are_thirty_at_least_for_every_kind_of_reader() -> None:
    catalog = load_catalog()
    audiences = {catalog.type(slug).scene(code).audience for slug, code in chosen()}  # type: ignore[union-attr]
    assert len(chosen()) >= AT_LEAST
    assert audiences == {"officer", "clerk", "public"}


def test_every_chosen_scene_gives_exactly_what_the_catalog_says(issued: tuple[ServedCity, dict[str, str]]) -> None:
    city, done = issued
    cards: dict[str, dict[str, Any]] = {}
    previews: dict[str, dict[str, Any]] = {}
    readers = {"officer": "officer", "clerk": "clerk-1", "public": GATE}
    run = 0
    for slug, code in chosen():
        kind = city.catalog.type(slug)
        scene = kind.scene(code)
        assert scene is not None
        holder = city.person(city.shower_of(slug))
        if slug not in previews:
            path = f"/v1/wallet/{done[slug]}/scenes"
            rows = city.answer(city.client.get(path, headers=holder), 200)["scenes"]
            previews[slug] = {row["scene"]["code"]: row for row in rows}
            cards[slug] = _card(city, slug, done[slug])
        shown = city.show(slug, done[slug], code)
        subject = readers[scene.audience]
        if subject == GATE:
            answer = city.client.post("/v1/scans", headers=city.system(GATE), json={"code": shown["code"]})
            scan = city.answer(answer, 201)
        else:
            scan = city.scan(city.officer_of(slug) if subject == "officer" else subject, shown["code"])
        wanted = expected(kind, scene, city.catalog.sample(slug), cards[slug])
        where = f"{slug}/{code}"
        assert {field["key"]: field["value"] for field in scan["fields"]} == wanted, where
        assert [field["key"] for field in scan["fields"]] == list(scene.fields), where
        names = {spec.key: spec.name for spec in kind.fields} | BUILT_IN
        assert all(field["name"] == names[field["key"]] for field in scan["fields"]), where
        assert previews[slug][code]["fields"] == scan["fields"], f"{where}: seen before the code is made"
        assert previews[slug][code]["photo"] == bool(scan["photo"]) == (scene.photo and kind.photo), where
        run += 1
    assert run >= AT_LEAST


def _card(city: ServedCity, slug: str, identifier: str) -> dict[str, Any]:
    """The license as its holder's wallet has it; of a ward's as the guardian's list does."""
    subject = city.shower_of(slug)
    header = city.person(subject)
    if subject == city.holder_of(slug):
        cards = city.answer(city.client.get("/v1/wallet", headers=header), 200)
    else:
        cards = [row["card"] for row in city.answer(city.client.get("/v1/wallet/others", headers=header), 200)]
    return next(dict(card) for card in cards if card["identifier"] == identifier)
