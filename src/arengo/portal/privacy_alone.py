"""What the gate can find in one publication alone, code by code: what is declared, what columns hold, how small groups
are.
"""

from __future__ import annotations

from arengo.portal.language import Speech
from arengo.portal.privacy_number import Count, forms


def declared(s: Speech, n: Count) -> dict[str, str]:
    _ = s._
    return {
        "nothing-personal": _("No column about persons was found in the %(looked)s columns."),
        "not-public": _("The dataset is not open: people decide who reads it, so nothing found here holds it back."),
        "groups-only": _(
            "Readers get figures about groups and no rows, and small groups are left out where they ask, so "
            "nothing found here holds it back."
        ),
        "not-looked": _("%(what)s was not looked at: %(why)s."),
        "no-repair": _(
            "No repair was found: with fewer rows, single values or coarser levels it would still expose people. It "
            "can be shared with those who need it under an agreement, or published as a table of counts, or by larger "
            "areas or longer times."
        ),
        "no-repair-few": _(
            "No repair was found: a group must have %(k)s people, and there are %(rows)s rows in all. It can be "
            "published later, together with more people, or be shared under an agreement."
        ),
        "no-repair-left": _(
            "No repair was found: what %(releases)s told of those who left or moved follows from any later version. It "
            "can be published later, when more people have come and gone, without the column that is told, or be "
            "shared under an agreement."
        ),
        "no-repair-beside": _(
            "No repair was found: whatever is left out or made coarser here, %(releases)s tells the rest. It can be "
            "shared with those who need it under an agreement, published later about other people, or by larger areas "
            "or longer times."
        ),
    }


def detection(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, forms(s, n)
    return {
        "undeclared-person": _(
            "%(column)s looks as if it held this: %(what)s; and the contract says nothing about it: %(why)s."
        ),
        "identifier-open": _("%(column)s names single persons (%(what)s), and the dataset is open to everybody."),
        "identifier-allowed": _("%(column)s tells about persons (%(what)s), and is allowed because: %(reason)s"),
        "identifier-protected": _(
            "%(column)s names single persons (%(what)s); what is published of it is protected (%(how)s)."
        ),
        "weak-evidence": _("These columns may be about persons, without proof in their values: %(why)s."),
        "suppression-marks": _(
            "Marks of values that were withheld already stand in %(columns)s; they were left out of the search."
        ),
        "small-places": many(
            "%(values)s place in %(columns)s stands on fewer than %(k)s rows.",
            "%(values)s places in %(columns)s stand on fewer than %(k)s rows each.",
            "values",
        ),
        "hash-recovered": _(
            "%(column)s holds unkeyed hashes: %(recovered)s of %(tried)s different values were traced back to "
            "what they stand for (%(domain)s, %(algorithm)s)."
        ),
        "hash-unkeyed": _(
            "%(column)s looks like hashes without a key; none was traced back in %(tried)s tries, and somebody "
            "with more time may manage."
        ),
        "pseudonym-reused": _(
            "The pseudonyms in %(columns)s are those of %(releases)s too, so the rows of both can be joined."
        ),
        "numbers-in-text": many(
            "%(texts)s text in %(column)s holds identifiers of persons: %(what)s.",
            "%(texts)s texts in %(column)s hold identifiers of persons: %(what)s.",
            "texts",
        ),
        "contacts-in-text": many(
            "%(texts)s text in %(column)s holds ways to reach single persons: %(what)s.",
            "%(texts)s texts in %(column)s hold ways to reach single persons: %(what)s.",
            "texts",
        ),
        "offices-in-text": _("The texts in %(column)s hold addresses or telephones of offices (%(count)s)."),
        "order-of-identifier": _(
            "The rows stand in the order of %(column)s, which is withheld: whoever has the list of it can lay the"
            " two side by side."
        ),
        "texts-of-one": _(
            "%(columns)s tie up to %(most)s texts to one pseudonym, %(people)s pseudonyms to %(least)s and more: "
            "together they tell who wrote them."
        ),
    }


def single(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, forms(s, n)
    return {
        "risk-no-quasi": _(
            "The rows are about persons, but no column is declared as one that people could be recognised by "
            "(arengoPrivacyRole: quasi), so it could not be counted who stands alone."
        ),
        "risk-empty": _("The table has no rows, so there was nobody to count."),
        "risk-larger-k": _("A group must have %(k)s people, and the whole table has %(people)s."),
        "risk-empty-column": _("%(columns)s holds no value in any row."),
        "risk-too-fine": _(
            "%(columns)s has about %(values)s different values for %(rows)s people, so hardly anybody shares one."
        ),
        "risk-no-hierarchy": _(
            "%(columns)s is published at the level %(level)s of the hierarchy %(hierarchy)s, and there is no such"
            " level in force, so it could not be looked up whom a value may stand for."
        ),
        "risk-register-lacks": _(
            "The register of %(population)s does not tell %(columns)s, so groups were counted in the data alone."
        ),
        "risk-not-in-register": many(
            "%(people)s of %(rows)s people matches nobody in the register of %(population)s; they were counted in"
            " the data alone.",
            "%(people)s of %(rows)s people match nobody in the register of %(population)s; they were counted in "
            "the data alone.",
            "people",
        ),
        "risk-register-apart": many(
            "%(people)s of %(rows)s people matches nobody in the register of %(population)s by %(columns)s, so the two "
            "do not speak of the same and the risk in the population is not known. Make the values those of the "
            "register, or declare at which level they stand (arengoHierarchy, arengoLevel).",
            "%(people)s of %(rows)s people match nobody in the register of %(population)s by %(columns)s, so the two "
            "do not speak of the same and the risk in the population is not known. Make the values those of the "
            "register, or declare at which level they stand (arengoHierarchy, arengoLevel).",
            "people",
        ),
        "risk-register-strange": _(
            "The rows are linked to nobody, and the register of %(population)s tells %(known)s, none of which "
            "%(columns)s is: nobody could be looked up. Declare the same arengoPrivacyConcept in both contracts, or "
            "the column of the person's id (arengoSubject)."
        ),
        "risk-small-groups": many(
            "%(people)s of %(rows)s people stands in groups of fewer than %(k)s by %(columns)s; %(unique)s of "
            "them stand alone. %(column)s costs most.",
            "%(people)s of %(rows)s people stand in groups of fewer than %(k)s by %(columns)s; %(unique)s of them"
            " stand alone. %(column)s costs most.",
            "people",
        )
        if n("unique")
        else many(
            "%(people)s of %(rows)s people stands in groups of fewer than %(k)s by %(columns)s. %(column)s costs most.",
            "%(people)s of %(rows)s people stand in groups of fewer than %(k)s by %(columns)s. %(column)s costs most.",
            "people",
        ),
        "risk-small-map": many(
            "By %(columns)s, some rows may be about fewer than %(k)s people of %(population)s: %(people)s person "
            "is in such a group, %(unique)s of them alone.",
            "By %(columns)s, some rows may be about fewer than %(k)s people of %(population)s: %(people)s people "
            "are in such a group, %(unique)s of them alone.",
            "people",
        )
        if n("unique")
        else many(
            "By %(columns)s, some rows may be about fewer than %(k)s people of %(population)s: %(people)s person "
            "is in such a group.",
            "By %(columns)s, some rows may be about fewer than %(k)s people of %(population)s: %(people)s people "
            "are in such a group.",
            "people",
        ),
        "risk-profile": many(
            "%(profile)s knows %(columns)s, and these single out %(people)s person from everybody else in "
            "%(population)s.",
            "%(profile)s knows %(columns)s, and these single out %(people)s people from everybody else in "
            "%(population)s.",
            "people",
        ),
        "risk-profile-alone": many(
            "%(profile)s knows %(columns)s, and by these %(people)s of %(rows)s people stands alone.",
            "%(profile)s knows %(columns)s, and by these %(people)s of %(rows)s people stand alone.",
            "people",
        ),
        "risk-homogeneous": many(
            "In %(groups)s group everybody has the same %(columns)s: it becomes known of the %(people)s people in it.",
            "In %(groups)s groups everybody has the same %(columns)s: it becomes known of the %(people)s people "
            "in them.",
            "groups",
        ),
        "risk-diversity": many(
            "%(people)s person stands in groups with fewer than %(l)s different values of %(columns)s.",
            "%(people)s people stand in groups with fewer than %(l)s different values of %(columns)s.",
            "people",
        ),
        "risk-closeness": _(
            "In some groups %(columns)s is spread differently from everybody's: the distance is %(t)s, and at "
            "most %(most)s is asked for."
        ),
        "risk-met": _("Everybody stands in a group of at least %(k)s by %(columns)s."),
    }
