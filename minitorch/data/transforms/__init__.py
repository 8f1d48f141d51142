"""What is done to images between the file and the network, by torchvision's names (``torchvision.transforms.v2``).

=================  ===================================================================================================
the idea           transform (how one is written), compose
values             to_dtype, normalize
places             size, pad, crop, resize, resized_crop, flip, multi_crop
colours            color (the formulas), color_jitter, lighting
=================  ===================================================================================================

How photographs for ImageNet are prepared today; as in 2012 (Krizhevsky, Sutskever and Hinton, section 4.1); and for the
evaluation of 2012, with :func:`average_over_crops`:

>>> import minitorch
>>> finish = [ToDtype(minitorch.float32, scale=True), Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
>>> train = Compose([RandomResizedCrop(224), RandomHorizontalFlip(), *finish])
>>> crop = [Resize(256), CenterCrop(256)]
>>> train_2012 = Compose([*crop, RandomCrop(224), RandomHorizontalFlip(), PCALighting(), *finish])
>>> test_2012 = Compose([*crop, TenCrop(224), *finish])
>>> photo = minitorch.randint(0, 256, (3, 375, 500)).to(minitorch.uint8)
>>> train(photo).shape, train_2012(photo).shape, test_2012(photo).shape
(minitorch.Size([3, 224, 224]), minitorch.Size([3, 224, 224]), minitorch.Size([10, 3, 224, 224]))
"""

from .color_jitter import ColorJitter, Grayscale
from .compose import Compose
from .crop import CenterCrop, RandomCrop
from .flip import RandomHorizontalFlip, RandomVerticalFlip
from .lighting import PCALighting
from .multi_crop import FiveCrop, TenCrop, average_over_crops
from .normalize import Normalize
from .pad import Pad
from .resize import Resize
from .resized_crop import RandomResizedCrop
from .to_dtype import ToDtype
from .transform import Transform

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "FiveCrop",
    "Grayscale",
    "Normalize",
    "PCALighting",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomResizedCrop",
    "RandomVerticalFlip",
    "Resize",
    "TenCrop",
    "ToDtype",
    "Transform",
    "average_over_crops",
]
