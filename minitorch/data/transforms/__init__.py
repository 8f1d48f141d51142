"""What is done to images between the file and the network, by torchvision's names (``torchvision.transforms.v2``)."""

from .compose import Compose
from .normalize import Normalize
from .to_dtype import ToDtype
from .transform import Transform

__all__ = [
    "Compose",
    "Normalize",
    "ToDtype",
    "Transform",
]
