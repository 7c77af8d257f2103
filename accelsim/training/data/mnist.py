"""MNIST and Fashion-MNIST: four idx files, 60,000 and 10,000 images of 28 x 28 bytes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from accelsim.errors import TrainingError
from accelsim.network.images import read_images, read_labels
from accelsim.training.data.dataset import DATASETS, DataOptions, Dataset, DatasetReader, Split, held_out

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@DATASETS.register("mnist")
class Mnist(DatasetReader):
    """Handwritten digits."""

    name: ClassVar[str] = "mnist"
    files = FILES
    published = "MNIST (Y. LeCun, C. Cortes, C. J. C. Burges), CC BY-SA 3.0"

    @classmethod
    def read(cls, folder: Path, options: DataOptions) -> Dataset:
        """Read the four files; see :meth:`DatasetReader.read`."""
        paths = cls.expect(folder, cls.files)
        images = [read_images(path).transpose(0, 3, 1, 2).copy() for path in paths[::2]]
        labels = [read_labels(path) for path in paths[1::2]]
        for at, (image, label) in enumerate(zip(images, labels, strict=True)):
            if len(image) != len(label):
                raise TrainingError(f"{paths[2 * at + 1]}: expected a label of each of the {len(image)} images of "
                                    f"{paths[2 * at].name}, got {len(label)}")  # fmt: skip
        train, test = (Split(*pair) for pair in zip(images, labels, strict=True))
        return held_out(cls.name, train, test, 10, cls.published, options)


@DATASETS.register("fashion_mnist")
class FashionMnist(Mnist):
    """Clothes, in the files of MNIST."""

    name: ClassVar[str] = "fashion_mnist"
    published = "Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf), MIT"
