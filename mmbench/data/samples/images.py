"""Images: JPEG and PNG files that are complete, opaque, and of the size of the modality or resized by its rule."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmbench.data.samples.bag import BagCheck
from mmbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image


def check_images(items: Sequence[Any], check: BagCheck) -> list[bytes | None]:
    """Images as coded files; those of another size are resized by the rule of the modality, or raise DataError.

    Transparent ones are composited on white. Of the others only the header and the end are read: decoding all images
    would take longer than reading most datasets.
    """
    return [None if item is None else check_image(item, check) for item in items]


def check_image(item: Any, check: BagCheck) -> bytes:
    """The file of an image or frame of the size of the modality."""
    from PIL import Image

    if not isinstance(item, bytes | bytearray | memoryview):
        message = f"holds a {type(item).__name__}, not the bytes of a JPEG or PNG file"
        raise check.error(message, "encode the pixels, or pass the bytes of the file")
    size: tuple[int, int] = check.modality.shape[:-3:-1]  # type: ignore[assignment]
    try:
        with Image.open(io.BytesIO(item), formats=("JPEG", "PNG")) as image:
            deep = image.mode.startswith(("I", "F"))
            fits, shape = image.size == size, (3, image.height, image.width)
            if not deep and (fits or check.modality.resize is not None):
                _check_complete(item, image, check)
                colours = _composite(image, check)
                if not fits:
                    return _encode(_resize(colours or image.convert("RGB"), size, check))
                return bytes(item) if colours is None else _encode(colours)
    except DataError:
        raise
    except Exception as error:  # Pillow raises errors of many classes, also for images that claim to be very large
        begin = "it is empty" if not item else f"it begins with {item[:8]!r}"
        raise check.error(f"cannot be opened as JPEG or PNG ({type(error).__name__}): {begin}") from error
    if deep:
        raise check.error("has grey values of 16 bits, which 8 bits would clip", "scale them to 0-255 in the dataset")
    raise check.error(
        f"has the shape {shape}, not {check.modality.shape[-3:]}",
        "the dataset must give all images in one size, or a rule to resize them in its schema",
    )


def _pad(image: "Image", size: tuple[int, int]) -> "Image":
    """An image scaled to fit, in the middle of a black one; of at least one pixel, unlike `PIL.ImageOps.pad`."""
    from PIL import Image

    scale = min(size[0] / image.width, size[1] / image.height)
    width, height = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    padded = Image.new("RGB", size)
    inner = image.resize((width, height), Image.Resampling.BICUBIC)
    padded.paste(inner, ((size[0] - width) // 2, (size[1] - height) // 2))
    return padded


def _check_complete(item: bytes | bytearray | memoryview, image: "Image", check: BagCheck) -> None:
    """Raise DataError for a truncated file: one without the marker of its end, or with more behind it, is decoded."""
    end = bytes(item[-64:]).rstrip(b"\0\r\n ")
    if end.endswith(b"\xff\xd9") if image.format == "JPEG" else b"IEND" in end:
        return
    try:
        image.load()
    except Exception as error:  # Pillow raises errors of many classes
        raise check.error(f"has an image that is truncated ({error})", "get the file again") from error


def _composite(image: "Image", check: BagCheck) -> "Image | None":
    """An image with transparent pixels on white; None for an opaque one."""
    from PIL import Image

    if not image.has_transparency_data:
        return None
    layers = image.convert("RGBA")
    if layers.getchannel("A").getextrema() == (255, 255):
        return None
    check.changes["transparent, composited on white"] += 1
    return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")


def _encode(colours: "Image") -> bytes:
    file = io.BytesIO()
    colours.save(file, "PNG")
    return file.getvalue()


def _resize(colours: "Image", size: tuple[int, int], check: BagCheck) -> "Image":
    """An RGB image in another size, by the rule of the modality."""
    from PIL import Image, ImageOps

    rule = check.modality.resize
    if rule == "stretch":
        colours = colours.resize(size, Image.Resampling.BICUBIC)
    elif rule == "crop":
        colours = ImageOps.fit(colours, size, Image.Resampling.BICUBIC)
    else:
        colours = _pad(colours, size)
    check.changes[f"resized to {size[0]} × {size[1]} ({rule})"] += 1
    return colours
