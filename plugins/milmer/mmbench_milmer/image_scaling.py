"""Size and normalisation of images as Swin checkpoints expect: bicubic, ImageNet's mean and standard deviation."""

import torch
from torch import Tensor, nn

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ImageScaling(nn.Module):
    """Images ``(n, 3, H, W)`` of 0-255, RGB, normalised for Swin; its buffers are not saved."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(_STD)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 or float32 to float32 of the same shape."""
        return (images.float() / 255 - self.mean) / self.std


def resize_images(images: Tensor, side: int) -> Tensor:
    """uint8 ``(n, 3, H, W)`` as squares ``(n, 3, side, side)``: bicubic, as by the image processors of Hugging Face."""
    if images.shape[-2:] == (side, side):
        return images
    from torchvision.transforms.v2.functional import InterpolationMode, resize

    resized: Tensor = resize(images, [side, side], InterpolationMode.BICUBIC, antialias=True)
    return resized
