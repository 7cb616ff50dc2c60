"""Reference pictures of every type: ``python tests/unit/rendering_reference.py`` draws them anew.

They are what a page of the type's sample looked like when someone last looked at it. Comparison is by blocks, so that
another version of the rasteriser may smooth an edge differently, but nothing may move, vanish or appear.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image, ImageChops
from rendering_samples import renderer, sample_job

from certsvc.catalog.loader import Catalog, load_catalog
from certsvc.rendering.raster import page_image

FOLDER = Path(__file__).with_name("reference")
DPI = 40
BLOCK = 12
"""Side of a block in pixels: 7.6 mm of the page."""
TOLERANCE = 14.0
"""Greatest mean absolute difference of a block, in grey levels of 255: a digit that changes makes about 20."""
GREYS = 16
MAX_BYTES = 40_000


def picture(data: bytes) -> Image.Image:
    """The first page at 40 dpi in 16 greys."""
    width = round((210 if _is_portrait(data) else 297) / 25.4 * DPI)
    grey = page_image(data, width).convert("L")
    return grey.point(lambda value: round(value * (GREYS - 1) / 255) * 255 // (GREYS - 1))


def _is_portrait(data: bytes) -> bool:
    return b"/MediaBox[0 0 595" in data


def worst_block(one: Image.Image, other: Image.Image) -> tuple[float, tuple[int, int]]:
    """The greatest mean difference of any block, and where (in pixels); pictures of two sizes differ by everything."""
    if one.size != other.size:
        return 255.0, (0, 0)
    difference = ImageChops.difference(one.convert("L"), other.convert("L"))
    worst, at = 0.0, (0, 0)
    for y in range(0, difference.height, BLOCK):
        for x in range(0, difference.width, BLOCK):
            block = difference.crop((x, y, min(x + BLOCK, difference.width), min(y + BLOCK, difference.height)))
            counts = block.histogram()
            mean = sum(level * count for level, count in enumerate(counts)) / sum(counts)
            if mean > worst:
                worst, at = mean, (x, y)
    return worst, at


def packed(image: Image.Image) -> bytes:
    """As a PNG of 16 greys, four bits each."""
    out = io.BytesIO()
    image.quantize(GREYS).save(out, "PNG", optimize=True)
    return out.getvalue()


def write_all(catalog: Catalog, folder: Path) -> int:
    """Draw every type's sample; pictures of types that are gone are removed."""
    folder.mkdir(exist_ok=True)
    wanted = {f"{kind.slug}.png" for kind in catalog.types}
    for path in folder.glob("*.png"):
        if path.name not in wanted:
            path.unlink()
    for kind in catalog.types:
        image = picture(renderer().render(sample_job(catalog, kind.slug)).data)
        path = folder / f"{kind.slug}.png"
        if not path.exists() or worst_block(image, Image.open(path))[0] > 0:
            path.write_bytes(packed(image))
    return len(wanted)


if __name__ == "__main__":
    sys.stdout.write(f"{write_all(load_catalog(), FOLDER)} pictures in {FOLDER}\n")
