"""Several releases together: what an attacker learns from all that is public about the same people.

In: a candidate and the earlier releases of its population, person by person under blind numbers. Out: findings of
steps 3 and 4 (privacy.md, section 3). Promise: what could not be compared is said.
"""
