"""Decodes an image and crops and scales its central square."""

import io
import warnings
from pathlib import Path

from mmbench import DataError, check_content

# Not all formats of Pillow: some of its readers call other programs.
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
_JPEG_QUALITY = 95


def read_square(path: Path, size: int, crop: float = 1.0) -> bytes:
    """JPEG (RGB, ``size`` × ``size`` pixels) of the central square, ``crop`` of the shorter side, after EXIF rotation.

    An image with transparency is a PNG, whose transparency the host composites on white and counts.

    Raises DataError for a file that is not an image of 8 bits per channel, is damaged, or exceeds Pillow's size limit.
    """
    from PIL import Image, ImageOps

    if not path.is_file():
        check_content(path)  # reading a pipe would block
    try:
        # From memory: from a file, Pillow allocates as many bytes as its header claims.
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(path.read_bytes()), formats=_FORMATS) as image:
                if image.mode.startswith(("I", "F")):
                    raise ValueError(f"its pixels are of mode {image.mode}, not 8 bits a channel")
                mode = "RGBA" if image.has_transparency_data else "RGB"
                upright = ImageOps.exif_transpose(image).convert(mode)
            half = crop * min(upright.size) / 2
            x, y = (side / 2 for side in upright.size)
            box = (x - half, y - half, x + half, y + half)
            square = upright.resize((size, size), Image.Resampling.LANCZOS, box=box)
    except Exception as error:  # Pillow raises exceptions of any type for damaged files
        check_content(path, "is a JPEG image", "is a PNG image")
        raise DataError(
            f"cannot be read as an image ({type(error).__name__}: {error})",
            where=path,
            remedy="replace the file, or remove it, or leave such samples out with --bad drop",
        ) from error
    coded = io.BytesIO()
    if mode == "RGBA":
        square.save(coded, "PNG")
    else:
        square.save(coded, "JPEG", quality=_JPEG_QUALITY)
    return coded.getvalue()
