"""Images: JPEG and PNG files, of the size of the modality or resized by its rule."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmbench.data.samples.bag import BagCheck

if TYPE_CHECKING:
    from PIL.Image import Image


def check_images(items: Sequence[Any], check: BagCheck) -> list[bytes | None]:
    """Images as coded files; those of another size are resized by the rule of the modality, or raise DataError.

    Of the others only the header is read: decoding all images would take longer than reading most datasets.
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
            if image.size == size and not deep:
                return bytes(item)
            if check.modality.resize is not None and not deep:
                return _resize(image, size, check)
            shape = (3, image.height, image.width)
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


def _resize(image: "Image", size: tuple[int, int], check: BagCheck) -> bytes:
    """An image of another size as PNG, by the rule of the modality."""
    from PIL import Image, ImageOps

    rule, colours = check.modality.resize, image.convert("RGB")
    if rule == "stretch":
        colours = colours.resize(size, Image.Resampling.BICUBIC)
    elif rule == "crop":
        colours = ImageOps.fit(colours, size, Image.Resampling.BICUBIC)
    else:
        colours = _pad(colours, size)
    file = io.BytesIO()
    colours.save(file, "PNG")
    check.changes[f"resized to {size[0]} × {size[1]} ({rule})"] += 1
    return file.getvalue()
