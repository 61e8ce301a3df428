"""The right to be forgotten and to be left alone (GDPR, Art. 17 to 19): find, plan, erase or restrict, prove."""

from arengo.services.erasure.erasure import Erasure
from arengo.services.erasure.person import Found, Person
from arengo.services.erasure.plan import ERASE, KEEP, RESTRICT, Item, Plan
from arengo.services.erasure.requests import Finished

__all__ = ["ERASE", "KEEP", "RESTRICT", "Erasure", "Finished", "Found", "Item", "Person", "Plan"]
