"""Tables of counts and sums: what must not be shown, what can be worked out of the rest, and what mends it.

Source: Hundepool et al., *Handbook on Statistical Disclosure Control*, Eurostat/ESSnet, chapters 4 (magnitude tables)
and 5 (frequency tables); reference: decision 0204.

``table`` reads rows as cells with their sums to margins; ``rules`` says which cells must not be shown; ``attacker``
what somebody who has the table can work out; ``suppress``, ``rounding``, ``key`` are the three protections;
``atoms``, ``rank`` and ``differencing`` compare with everything published before.
"""

from arengo.privacy.cells.groups import Groups, protect_groups, record_key

__all__ = ["Groups", "protect_groups", "record_key"]
