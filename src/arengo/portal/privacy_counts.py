"""What the gate can find in tables of counts and sums, and about noise and its budget, code by code."""

from __future__ import annotations

from arengo.portal.language import Speech
from arengo.portal.privacy_number import Count, forms


def cells(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, forms(s, n)
    return {
        "cells-small": many(
            "%(cells)s cell counts fewer than %(threshold)s persons (%(people)s persons in all).",
            "%(cells)s cells count fewer than %(threshold)s persons (%(people)s persons in all).",
            "cells",
        ),
        "cells-few-contributors": many(
            "%(cells)s cell rests on fewer than %(threshold)s contributors.",
            "%(cells)s cells rest on fewer than %(threshold)s contributors.",
            "cells",
        ),
        "cells-dominated": many(
            "In %(cells)s cell of %(column)s, %(n)s contributors make up more than %(share)s %% of the sum: their"
            " own figures can be estimated.",
            "In %(cells)s cells of %(column)s, %(n)s contributors make up more than %(share)s %% of the sum: "
            "their own figures can be estimated.",
            "cells",
        ),
        "cells-estimable": many(
            "In %(cells)s cell of %(column)s, one contributor can work out another's figure to within %(p)s %%.",
            "In %(cells)s cells of %(column)s, one contributor can work out another's figure to within %(p)s %%.",
            "cells",
        ),
        "cells-contribution-shown": _("%(columns)s: the largest single contributions to a cell would be published."),
        "cells-one-category": many(
            "%(cells)s group of %(columns)s falls whole into one category: whoever belongs to the group is known "
            "to have it (%(people)s persons).",
            "%(cells)s groups of %(columns)s fall whole into one category: whoever belongs to the group is known "
            "to have it (%(people)s persons).",
            "cells",
        ),
        "cells-recovered": many(
            "%(cells)s figure that was left out can be worked out exactly from the rest of the table.",
            "%(cells)s figures that were left out can be worked out exactly from the rest of the table.",
            "cells",
        ),
        "cells-narrow": many(
            "%(cells)s figure that was left out can be estimated to within fewer than %(threshold)s persons from "
            "the rest of the table.",
            "%(cells)s figures that were left out can be estimated to within fewer than %(threshold)s persons "
            "from the rest of the table.",
            "cells",
        ),
        "cells-repeated": many(
            "%(cells)s cell stands in the table more than once: the columns %(columns)s do not tell them apart, "
            "so that its sums could not be checked.",
            "%(cells)s cells stand in the table more than once: the columns %(columns)s do not tell them apart, "
            "so that its sums could not be checked.",
            "cells",
        ),
        "cells-not-declared": _(
            "The rows look like counts of groups; no column about persons is declared, and the table was not "
            "judged as a table of counts."
        ),
        "cells-undeclared": many(
            "%(column)s looks like counts of people by %(by)s: %(cells)s cell is 1 to %(most)s, and the contract does "
            "not say so. Declare the table (arengoCells), so that small cells are protected, or say of %(columns)s why "
            "they may be shown (arengoPersonalReason).",
            "%(column)s looks like counts of people by %(by)s: %(cells)s cells are 1 to %(most)s, and the contract "
            "does not say so. Declare the table (arengoCells), so that small cells are protected, or say of "
            "%(columns)s why they may be shown (arengoPersonalReason).",
            "cells",
        ),
        "cells-shares": many(
            "%(column)s is a share of %(count)s: multiplied with it, it tells %(cells)s group of 1 to %(most)s "
            "persons. Leave one of the two out, or write the share with fewer decimals.",
            "%(column)s is a share of %(count)s: multiplied with it, it tells %(cells)s groups of 1 to %(most)s "
            "persons. Leave one of the two out, or write the share with fewer decimals.",
            "cells",
        ),
        "cells-judged": many(
            "%(cells)s cell was judged: none is too small, and nothing that was left out can be worked out.",
            "%(cells)s cells were judged: none is too small, and nothing that was left out can be worked out.",
            "cells",
        ),
        "cells-differenced": many(
            "Together with %(releases)s, %(parts)s small part of the population can be worked out by subtracting "
            "published counts: each has fewer than %(threshold)s persons (%(people)s in all).",
            "Together with %(releases)s, %(parts)s small parts of the population can be worked out by subtracting"
            " published counts: each has fewer than %(threshold)s persons (%(people)s in all).",
            "parts",
        ),
        "cells-differenced-alone": many(
            "%(parts)s small part of the population can be worked out by subtracting counts of this table from "
            "one another: each has fewer than %(threshold)s persons (%(people)s in all).",
            "%(parts)s small parts of the population can be worked out by subtracting counts of this table from "
            "one another: each has fewer than %(threshold)s persons (%(people)s in all).",
            "parts",
        ),
        "cells-differenced-group": many(
            "%(parts)s part of the population that subtracting published counts sets apart falls whole into one "
            "sensitive category (%(people)s persons).",
            "%(parts)s parts of the population that subtracting published counts sets apart fall whole into one "
            "sensitive category (%(people)s persons).",
            "parts",
        ),
        "cells-differenced-places": many(
            "Where the areas of %(zonings)s overlap, %(parts)s small part of the population can be worked out by "
            "subtracting the counts of %(release)s and %(releases)s: each has fewer than %(threshold)s persons "
            "(%(people)s in all).",
            "Where the areas of %(zonings)s overlap, %(parts)s small parts of the population can be worked out by "
            "subtracting the counts of %(release)s and %(releases)s: each has fewer than %(threshold)s persons "
            "(%(people)s in all).",
            "parts",
        ),
        "cells-differenced-areas": many(
            "Where the areas of %(zonings)s overlap, the counts of %(release)s and %(releases)s differ by "
            "%(people)s persons in %(parts)s part of fewer than %(threshold)s. Nothing says who lives there (the "
            "register has no coordinates, and the population names no addresses), so this goes by the shapes alone.",
            "Where the areas of %(zonings)s overlap, the counts of %(release)s and %(releases)s differ by "
            "%(people)s persons in %(parts)s parts of fewer than %(threshold)s. Nothing says who lives there (the "
            "register has no coordinates, and the population names no addresses), so this goes by the shapes alone.",
            "parts",
        ),
        "cells-sums-differenced": many(
            "By subtracting the sums of %(column)s in %(release)s and %(releases)s, that of %(parts)s group of fewer "
            "than %(threshold)s contributors can be worked out (%(people)s contributors in all).",
            "By subtracting the sums of %(column)s in %(release)s and %(releases)s, those of %(parts)s groups of fewer "
            "than %(threshold)s contributors can be worked out (%(people)s contributors in all).",
            "parts",
        ),
        "cells-sums-telling": many(
            "By subtracting sums of %(column)s (%(where)s), that of %(parts)s group can be worked out, in which %(n)s "
            "contributors make up more than %(share)s %% or one can work out another's figure to within %(p)s %%.",
            "By subtracting sums of %(column)s (%(where)s), those of %(parts)s groups can be worked out, in each of "
            "which %(n)s contributors make up more than %(share)s %% or one can work out another's figure to within "
            "%(p)s %%.",
            "parts",
        ),
        "cells-pinned": many(
            "With this table, the counts of %(parts)s small part of the population can be estimated to within "
            "fewer than %(threshold)s persons.",
            "With this table, the counts of %(parts)s small parts of the population can be estimated to within "
            "fewer than %(threshold)s persons.",
            "parts",
        ),
        "cells-differenced-before": many(
            "%(parts)s small part of the population can be worked out from earlier tables already; this table "
            "adds nothing to that.",
            "%(parts)s small parts of the population can be worked out from earlier tables already; this table "
            "adds nothing to that.",
            "parts",
        ),
        "cells-taken-for-one": _(
            "No contract says so, but these columns list the same labels, so they were taken for one (how many labels "
            "stand in both): %(what)s. Give both the same concept where they mean the same, and different ones where "
            "they do not (arengoPrivacyConcept)."
        ),
    }


def budget(s: Speech, n: Count) -> dict[str, str]:
    _ = s._
    return {
        "budget-fits": _(
            "It spends %(epsilon)s of the privacy of %(population)s; %(left)s of %(cap)s is left in these "
            "%(period)s days. A figure is off by at most %(accuracy)s in 95 of 100 cases."
        ),
        "budget-exceeded": _(
            "It would spend %(epsilon)s of the privacy of %(population)s, and only %(left)s of %(cap)s is left in"
            " these %(period)s days. It is possible from %(day)s."
        ),
        "budget-never": _(
            "It would spend %(epsilon)s of the privacy of %(population)s, more than the %(cap)s that %(period)s "
            "days have in all. Ask for less precise figures."
        ),
        "noise-without-population": _(
            "The table asks for noise of differential privacy, but no population is named whose budget it would spend."
        ),
        "noise-without-amount": _(
            "The table asks for noise of differential privacy and does not say how much: %(why)s."
        ),
        "exact-beside-noise": _(
            "%(releases)s gives the same figures of %(population)s without noise, so the noise of this table "
            "protects nobody."
        ),
        "noise-undone": _(
            "%(releases)s gave these figures of %(population)s with noise. Publishing them exactly takes that "
            "protection back."
        ),
    }
