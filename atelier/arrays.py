"""The array types that the drawing passes about."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]  # images and fields, 0..1 or centimetres as their functions say
Bytes = NDArray[np.uint8]
Rng = np.random.Generator
