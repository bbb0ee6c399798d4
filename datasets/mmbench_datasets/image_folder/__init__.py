"""Any folder of images, a folder for each class."""

from mmbench_datasets.image_folder.dataset import ImageFolder as ImageFolder

__all__ = ["ImageFolder"]
