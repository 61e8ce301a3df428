"""A made-up city, generated from a seed, with every kind of source and half a year of history.

In: a folder, a seed, a day. Out: city.toml, contracts, source files in the dialects real offices use, and the steps
that change them; ``play`` publishes the steps. Same seed and day, same bytes. No real person, place or firm.
May import every room before the city; needs none of them to generate.
"""

from arengo.demo.history import Demo, Step, build

__all__ = ["Demo", "Step", "build"]
