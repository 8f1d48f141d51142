"""Datasets, a loader that makes batches of them, and transforms of images."""

from . import transforms
from .cifar import CIFAR10, CIFAR100
from .collate import default_collate
from .dataset import Dataset, Subset, TensorDataset, random_split, stratified_split
from .decode import load_image
from .digits import Digits
from .idx import read_idx
from .image_folder import ImageFolder
from .images import ImageDataset
from .loader import DataLoader
from .mnist import MNIST, FashionMNIST

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "MNIST",
    "DataLoader",
    "Dataset",
    "Digits",
    "FashionMNIST",
    "ImageDataset",
    "ImageFolder",
    "Subset",
    "TensorDataset",
    "default_collate",
    "load_image",
    "random_split",
    "read_idx",
    "stratified_split",
    "transforms",
]
