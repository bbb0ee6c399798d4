"""Ways to preprocess that can be chosen, apart from what does it: listing datasets need not load that."""

from typing import Literal

Preprocessing = Literal["released", "milmer", "published"]
Removal = Literal["regression", "ica", "none"]
"""How ocular artefacts are removed from the original recordings."""
