"""Every type looks as it did when someone last looked at it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image
from rendering_reference import FOLDER, MAX_BYTES, TOLERANCE, packed, picture, worst_block
from rendering_samples import renderer, sample_job

from certsvc.catalog.loader import load_catalog
from certsvc.catalog.model import Box

CATALOG = load_catalog()
SLUG = "food_operation"


@pytest.mark.parametrize("slug", [kind.slug for kind in CATALOG.types])
def test_a_type_looks_as_its_reference_picture(slug: str) -> None:
    path = FOLDER / f"{slug}.png"
    assert path.is_file(), f"no picture of {slug}: look at the page, then run python tests/unit/rendering_reference.py"
    assert path.stat().st_size < MAX_BYTES
    worst, (x, y) = worst_block(picture(renderer().render(sample_job(CATALOG, slug)).data), Image.open(path))
    assert worst <= TOLERANCE, f"{slug} differs by {worst:.1f} levels around pixel ({x}, {y}) at 40 dpi"


def test_no_picture_is_left_of_a_type_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.png")} == {kind.slug for kind in CATALOG.types}


def test_the_comparison_sees_a_moved_stamp_another_name_and_another_year() -> None:
    base = sample_job(CATALOG, SLUG)
    before = picture(renderer().render(base).data)
    face = base.license_type.face
    moved = replace(face, stamp=Box(x=face.stamp.x - 4, y=face.stamp.y, w=face.stamp.w, h=face.stamp.h))
    for changed in (
        replace(base, license_type=replace(base.license_type, face=moved)),
        replace(base, values={**base.values, "holder_name": "另一家示例有限公司"}),
        replace(base, issued_on=base.issued_on + timedelta(days=400)),
        replace(base, stamp=replace(base.stamp, ring_text="示例省另一个管理局")),
    ):
        assert worst_block(before, picture(renderer().render(changed).data))[0] > TOLERANCE
    assert worst_block(before, picture(renderer().render(base).data))[0] == 0
    assert packed(before) == packed(picture(renderer().render(base).data))
