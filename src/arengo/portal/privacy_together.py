"""What the gate can find where releases come together, code by code: people compared, rows matched."""

from __future__ import annotations

from arengo.portal.language import Speech
from arengo.portal.privacy_number import Count, forms


def overlap(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, forms(s, n)
    return {
        "register-missing": _(
            "The register %(register)s of the population %(population)s has no version, so nobody was looked up in it."
        ),
        "register-empty": _("The register %(register)s of the population %(population)s lists nobody."),
        "register-no-subject": _(
            "The register %(register)s of the population %(population)s has no column that holds the person's id "
            "(arengoSubject)."
        ),
        "register-duplicates": many(
            "The register %(register)s lists people more than once (%(times)s row too many); each was taken once.",
            "The register %(register)s lists people more than once (%(times)s rows too many); each was taken once.",
            "times",
        ),
        "register-nameless": many(
            "%(times)s row of the register %(register)s holds no id and was left out.",
            "%(times)s rows of the register %(register)s hold no id and were left out.",
            "times",
        ),
        "overlap-no-population": _(
            "The dataset does not say about which population it is (arengoPopulation), so it was not compared "
            "with what is already public."
        ),
        "overlap-unknown-population": _(
            "There is no population %(population)s in privacy.toml, so the dataset was not compared with what is "
            "already public."
        ),
        "overlap-unlinked": _(
            "The rows are not linked to persons and the register does not tell %(columns)s, so they were not "
            "compared person by person with %(releases)s."
        ),
        "overlap-rows-gone": _(
            "What %(releases)s told about persons is no longer at hand, so it was not compared with it."
        ),
        "overlap-withdrawn": _(
            "%(releases)s was withdrawn; whoever took a copy still has it, so it was reckoned with."
        ),
        "overlap-joint": many(
            "Together with %(releases)s, publishing this turns %(people)s person from a group of at least %(k)s "
            "into a group of 1 to %(most)s; %(alone)s of them stand alone. %(column)s costs most.",
            "Together with %(releases)s, publishing this turns %(people)s people from a group of at least %(k)s "
            "into a group of 1 to %(most)s; %(alone)s of them stand alone. %(column)s costs most.",
            "people",
        )
        if n("alone")
        else many(
            "Together with %(releases)s, publishing this turns %(people)s person from a group of at least %(k)s "
            "into a group of 1 to %(most)s. %(column)s costs most.",
            "Together with %(releases)s, publishing this turns %(people)s people from a group of at least %(k)s "
            "into a group of 1 to %(most)s. %(column)s costs most.",
            "people",
        ),
        "overlap-joint-further": many(
            "%(people)s person stood in a group smaller than %(k)s already; together with %(releases)s, theirs "
            "becomes smaller still.",
            "%(people)s people stood in a group smaller than %(k)s already; together with %(releases)s, theirs "
            "becomes smaller still.",
            "people",
        ),
        "overlap-candidates": many(
            "Together with %(releases)s, %(people)s person has fewer than %(l)s possible values left for %(columns)s.",
            "Together with %(releases)s, %(people)s people have fewer than %(l)s possible values left for %(columns)s.",
            "people",
        ),
        "overlap-known": many(
            "Together with %(releases)s, the value of %(columns)s becomes known for %(people)s person.",
            "Together with %(releases)s, the value of %(columns)s becomes known for %(people)s people.",
            "people",
        ),
        "overlap-posterior": many(
            "Together with %(releases)s, a value of %(columns)s becomes more than %(share)s %% likely for "
            "%(people)s person.",
            "Together with %(releases)s, a value of %(columns)s becomes more than %(share)s %% likely for "
            "%(people)s people.",
            "people",
        ),
        "public-small-groups": _(
            "%(releases)s, which everybody can read, shows %(people)s of %(rows)s people in groups of fewer than %(k)s "
            "by %(columns)s. Publishing anew does not take that back: publish what is safe, then withdraw it (arengo "
            "privacy withdraw), or say why it may stay."
        ),
        "public-names": _(
            "%(releases)s, which everybody can read, names single persons (%(columns)s). Publishing anew does not take "
            "that back: publish what is safe, then withdraw it (arengo privacy withdraw), or say why it may stay."
        ),
        "public-small-cells": many(
            "%(releases)s, which everybody can read, shows %(cells)s cell that counts fewer than %(threshold)s "
            "persons. Publishing anew does not take that back: publish what is safe, then withdraw it (arengo privacy "
            "withdraw), or say why it may stay.",
            "%(releases)s, which everybody can read, shows %(cells)s cells that count fewer than %(threshold)s "
            "persons. Publishing anew does not take that back: publish what is safe, then withdraw it (arengo privacy "
            "withdraw), or say why it may stay.",
            "cells",
        ),
        "overlap-leavers": many(
            "Compared with %(releases)s, the value of %(columns)s of %(people)s person who left, joined or "
            "changed group can be worked out.",
            "Compared with %(releases)s, the value of %(columns)s of %(people)s people who left, joined or "
            "changed group can be worked out.",
            "people",
        ),
    }


def linkage(s: Speech, n: Count) -> dict[str, str]:
    _, many = s._, forms(s, n)
    return {
        "linkage-unique": many(
            "%(people)s row matches exactly one row of %(releases)s by %(shared)s, and that one is about the same"
            " person; together they tell %(columns)s of them.",
            "%(people)s rows match exactly one row of %(releases)s by %(shared)s, and that one is about the same "
            "person; together they tell %(columns)s of them.",
            "people",
        ),
        "linkage-unchecked": many(
            "%(people)s row matches exactly one row of %(releases)s by %(shared)s; whether they are about the "
            "same persons is not known. Together they would tell %(columns)s.",
            "%(people)s rows match exactly one row of %(releases)s by %(shared)s; whether they are about the same"
            " persons is not known. Together they would tell %(columns)s.",
            "people",
        ),
        "linkage-not-compared": _(
            "%(columns)s could not be compared with %(releases)s: the two are coarsened in different ways."
        ),
        "linkage-rows-gone": _("The rows of %(releases)s are no longer at hand, so no rows were matched with them."),
        "linkage-trace": _(
            "Whoever knows %(points)s things about somebody (%(columns)s) finds all of that person's rows in "
            "%(share)s %% of the cases: %(people)s of %(looked)s people who were tried."
        ),
        "linkage-hidden-trace": _(
            "If it can be told which rows are the same person's, whoever knows %(points)s things about somebody "
            "(%(columns)s) finds them all in %(share)s %% of the cases: %(people)s of %(looked)s people who were "
            "tried."
        ),
        "linkage-sighting": _(
            "Whoever saw somebody once knows %(columns)s; that leads to exactly one row for %(people)s of "
            "%(looked)s rows that were tried (%(share)s %%)."
        ),
        "linkage-sets": many(
            "%(people)s person has a value of %(columns)s that fewer than %(k)s people share.",
            "%(people)s people have a value of %(columns)s that fewer than %(k)s people share.",
            "people",
        )
        if n("items") == 1
        else many(
            "%(people)s person has a combination of %(items)s values of %(columns)s that fewer than %(k)s people "
            "share.",
            "%(people)s people have a combination of %(items)s values of %(columns)s that fewer than %(k)s people"
            " share.",
            "people",
        ),
    }
