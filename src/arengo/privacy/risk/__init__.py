"""How much a release tells of a person: groups, sensitive values, the population, trajectories, linked rows.

In: distinct combinations with their counts (:class:`~arengo.privacy.tuples.Tuples`) or arrays of codes. Out: figures,
and the findings of steps 2 and 5 (privacy.md, section 3). Promise: nothing here gives a person's row away.
"""
