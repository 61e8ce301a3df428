"""Places of persons made safe: cells that hold enough people, donuts, planar Laplace noise.

In: points of persons in metres. Out: points that say less. Promise: the same point gets the same answer under the same
key, so that publishing again tells nothing new; nothing here draws from the clock or a generator's state.
"""

from __future__ import annotations
