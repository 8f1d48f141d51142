"""What is done to images between the file and the network, by torchvision's names (``torchvision.transforms.v2``).

=================  ===================================================================================================
the idea           transform (how one is written), compose
values             to_dtype, normalize
places             size, pad, crop, resize, resized_crop, flip, multi_crop
colours            color (the formulas), color_jitter, lighting
=================  ===================================================================================================
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
