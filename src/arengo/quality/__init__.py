"""Is it good: typing, quarantine, quality rules and the profile of a version.

In: a contract and a pull of Arrow batches. Out: a staged table (typed, checked rows), the quarantine file, a quality
report and a profile. Promise: rows in = rows kept + rows quarantined; memory does not grow with the source; every
row put aside says file, row, column, value and reason in words. May import: errors, settings, contract, sources, lake.
Add a constraint in :mod:`arengo.quality.constraint`, a metric in :mod:`arengo.quality.rules`.
"""

from arengo.quality.conform import Counts, conform
from arengo.quality.profile import Profile, profile
from arengo.quality.rules import QualityReport, RuleResult, check

__all__ = ["Counts", "Profile", "QualityReport", "RuleResult", "check", "conform", "profile"]
