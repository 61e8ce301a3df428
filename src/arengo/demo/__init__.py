"""A made-up city, generated from a seed, with every kind of source and half a year of history.

In: a folder, a seed, a day. Out: city.toml, contracts, source files in the dialects real offices use, and the steps
that change them; ``play`` publishes the steps. Same seed and day, same bytes. No real person, place or firm.
May import the rooms before it; generating needs only the errors.
"""

from arengo.demo.history import Demo, Step, build
from arengo.demo.play import Played, play

__all__ = ["Demo", "Played", "Step", "build", "play"]
