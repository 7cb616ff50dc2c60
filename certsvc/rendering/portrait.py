"""A drawn silhouette as the photo of synthetic people: never a real or a generated face (DOMAIN.md 6)."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 358, 441
BACKGROUND, SHAPE, SHIRT = (214, 228, 240), (120, 138, 156), (86, 110, 134)


def silhouette() -> bytes:
    """A JPEG silhouette, the size of an ID photo."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40, 300, WIDTH - 40, 640), fill=SHIRT)
    draw.rectangle((150, 250, 208, 330), fill=SHAPE)
    draw.ellipse((104, 84, 254, 284), fill=SHAPE)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()
