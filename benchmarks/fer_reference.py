"""Outputs of the network of the package fer, computed by Keras: tests/milmer/fer_reference.npz.

Run it in the root of the repository, in an environment of its own with tensorflow-cpu and opencv-python-headless (the
file was written with 2.21.0 and 5.0.0.93).
"""

from pathlib import Path

import cv2
import keras
import numpy as np


def make_images() -> np.ndarray:
    """Three images (64, 64, 3) uint8: two of noise, coarse and fine, and one of ramps."""
    rng = np.random.default_rng(0)
    coarse = np.kron(rng.integers(0, 256, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    fine = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:64, :64] * 4
    return np.stack([coarse, fine, np.stack([rows, columns, 255 - rows], axis=-1).astype(np.uint8)])


def main(weights: Path, out: Path) -> None:
    images = make_images()
    grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])
    model = keras.models.load_model(weights, compile=False)
    both = keras.Model(
        model.input, [model.get_layer("add_4").output, model.get_layer("global_average_pooling2d_1").output]
    )
    maps, logits = both.predict((grey[..., None].astype("float32") / 255 - 0.5) * 2, verbose=0)
    np.savez_compressed(out, images=images, maps=maps, logits=logits)


if __name__ == "__main__":
    main(Path("plugins/milmer/mmbench_milmer/models/emotion_model.hdf5"), Path("tests/milmer/fer_reference.npz"))
