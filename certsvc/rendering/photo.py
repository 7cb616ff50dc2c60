"""Holder photos: anything that people upload becomes a small baseline sRGB JPEG without metadata.

The same input always makes the same bytes. The limits stand before the decoder sees a pixel.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageCms, ImageOps

from certsvc.errors import InvalidInput, RenderingError, TooLarge

MAX_PHOTO_BYTES = 8 * 1024 * 1024
"""A phone's picture; more is an attempt to fill memory."""
MAX_PHOTO_PIXELS = 24_000_000
"""Decompression bombs: a small file that unpacks to gigabytes is refused from its header alone."""
MIN_PHOTO_SIDE = 40
"""Fewer pixels show no face."""
PHOTO_SIZE = (358, 441)
"""Pixels of the ID-photo format (26 x 32 mm at 350 dpi)."""
MAX_JPEG_BYTES = 50_000
PICTURE_SIZE = (1600, 1600)
"""Pixels of a picture of an inspection: a label or a shelf can be read on it."""
MAX_PICTURE_BYTES = 600_000
_QUALITIES = (90, 84, 76, 66, 54, 40)
_FORMATS = ("JPEG", "PNG")


def normalise_photo(data: bytes) -> bytes:
    """A baseline JPEG of at most 358 x 441 pixels and 50 kB.

    Raises:
        InvalidInput: not a JPEG or PNG picture, damaged, or too small.
        TooLarge: more bytes or pixels than the limits.
    """
    return _normalise(data, PHOTO_SIZE, MAX_JPEG_BYTES)


def normalise_picture(data: bytes) -> bytes:
    """The same of a picture of an inspection: at most 1600 x 1600 pixels and 600 kB."""
    return _normalise(data, PICTURE_SIZE, MAX_PICTURE_BYTES)


def _normalise(data: bytes, most: tuple[int, int], most_bytes: int) -> bytes:
    if len(data) > MAX_PHOTO_BYTES:
        msg = f"照片文件超过 {MAX_PHOTO_BYTES // 1024 // 1024} MB，请压缩后重新上传"
        raise TooLarge(msg)
    try:
        # The header is read here; pixels are decoded later, after their number was checked.
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            _check_size(picture.size)
            return _encode(_flatten(picture, most), most_bytes)
    except (InvalidInput, TooLarge):
        raise
    except Image.DecompressionBombError as exc:
        raise _too_many_pixels() from exc
    except Exception as exc:  # decoders raise whatever a damaged file makes them raise
        msg = "照片不是有效的 JPEG 或 PNG 图像，或文件已损坏，请重新上传"
        raise InvalidInput(msg) from exc


def _too_many_pixels() -> TooLarge:
    return TooLarge(f"照片超过 {MAX_PHOTO_PIXELS // 10_000} 万像素，请缩小后重新上传")


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PHOTO_PIXELS:
        raise _too_many_pixels()
    if min(width, height) < MIN_PHOTO_SIDE:
        msg = f"照片边长不足 {MIN_PHOTO_SIDE} 像素，请上传清晰的证件照"
        raise InvalidInput(msg)


def _flatten(picture: Image.Image, most: tuple[int, int]) -> Image.Image:
    """Upright, in sRGB, on white."""
    profile = picture.info.get("icc_profile")
    if picture.format == "JPEG":
        picture.draft("RGB", (most[0] * 2, most[1] * 2))
    turned = picture.getexif().get(ExifTags.Base.Orientation, 1) != 1
    upright = ImageOps.exif_transpose(picture) if turned else picture
    if upright.mode in {"RGBA", "LA", "PA", "P"} or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba)
    rgb = upright if upright.mode == "RGB" else upright.convert("RGB")
    if profile and picture.mode == "RGB":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(rgb, source, ImageCms.createProfile("sRGB"))
            rgb = converted or rgb
        except ImageCms.PyCMSError:
            pass  # a broken profile is no reason to refuse a face
    if rgb.width > most[0] or rgb.height > most[1]:
        rgb.thumbnail(most, Image.Resampling.LANCZOS)
    return rgb


def _encode(rgb: Image.Image, most_bytes: int) -> bytes:
    # A fresh picture: whatever metadata the old one carried stays behind.
    # Not filled first (None), for every pixel is pasted over.
    clean = Image.new("RGB", rgb.size, None)
    clean.paste(rgb)
    for quality in _QUALITIES:
        out = io.BytesIO()
        clean.save(out, "JPEG", quality=quality, progressive=False, optimize=False, subsampling="4:2:0")
        if out.tell() <= most_bytes:
            return out.getvalue()
    raise TooLarge(f"照片内容过于复杂，无法压缩到 {most_bytes // 1000} kB 以内，请更换照片")


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What a DCTDecode image dictionary needs."""

    width: int
    height: int
    components: int


_SOI, _SOF_BASELINE, _SOF_EXTENDED = b"\xff\xd8", 0xC0, 0xC1
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def jpeg_header(data: bytes) -> JpegHeader:
    """Size and components from the frame header (ITU-T T.81 §B.2.2); RenderingError for anything but baseline JPEG."""
    at = 2
    if data[:2] == _SOI:
        while at + 9 < len(data) and data[at] == 0xFF:  # noqa: PLR2004 - marker prefix
            marker = data[at + 1]
            if marker in _STANDALONE:
                at += 2
                continue
            if marker in {_SOF_BASELINE, _SOF_EXTENDED}:
                height, width, components = struct.unpack(">HHB", data[at + 5 : at + 10])
                if width and height and components in {1, 3}:
                    return JpegHeader(width, height, components)
                break
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    msg = "“照片”未经规范化，不能放入版面，请先通过照片校验"
    raise RenderingError(msg)
