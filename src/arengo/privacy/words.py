"""THE registry of what the gate can find: code -> the English sentence, with the facts that fill it in braces.

Pages say the same in other languages (``portal/privacy_words.py``; a test compares the two). A sentence says what was
met and what it means for people, in a clerk's words, without a person's row. ``{people}``, ``{columns}`` and
``{releases}`` come from the finding itself. Words that agree with a number name its fact and stand in both forms:
``{cells} [cells|cell counts|cells count]``; of three forms the first is for none. What a value holds is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # What is declared
    "nothing-personal": "No column about persons was found in the {looked} [looked|column|columns].",
    "not-public": "The dataset is not open: people decide who reads it, so nothing found here holds it back.",
    "groups-only": "Readers get figures about groups and no rows, and small groups are left out where they ask, so "
    "nothing found here holds it back.",
    "not-looked": "{what} was not looked at: {why}.",
    "no-repair": "No repair was found: with fewer rows, single values or coarser levels it would still expose people. "
    "It can be shared with those who need it under an agreement, or published as a table of counts, or by larger areas "
    "or longer times.",
    "no-repair-few": "No repair was found: a group must have {k} people, and there [rows|is|are] {rows} "
    "[rows|row|rows] in all. It can be published later, together with more people, or be shared under an agreement.",
    "no-repair-left": "No repair was found: what {releases} told of those who left or moved follows from any later "
    "version. It can be published later, when more people have come and gone, without the column that is told, or be "
    "shared under an agreement.",
    "no-repair-beside": "No repair was found: whatever is left out or made coarser here, {releases} tells the rest. It "
    "can be shared with those who need it under an agreement, published later about other people, or by larger areas "
    "or longer times.",
    # Detection, direct leaks (step 1)
    "undeclared-person": "{column} looks as if it held this: {what}; and the contract says nothing about it: {why}.",
    "identifier-open": "{column} names single persons ({what}), and the dataset is open to everybody.",
    "identifier-allowed": "{column} tells about persons ({what}), and is allowed because: {reason}",
    "identifier-protected": "{column} names single persons ({what}); what is published of it is protected ({how}).",
    "weak-evidence": "These columns may be about persons, without proof in their values: {why}.",
    "suppression-marks": "Marks of values that were withheld already stand in {columns}; they were left out of the "
    "search.",
    "small-places": "{values} [values|place|places] in {columns} [values|stands|stand] on fewer than {k} rows[values|| "
    "each].",
    "hash-recovered": "{column} holds unkeyed hashes: {recovered} of {tried} [tried|value|different values] "
    "[recovered|was|were] traced back to what [recovered|it stands|they stand] for ({domain}, {algorithm}).",
    "hash-unkeyed": "{column} looks like hashes without a key; none was traced back in {tried} [tried|try|tries], and "
    "somebody with more time may manage.",
    "pseudonym-reused": "The pseudonyms in {columns} are those of {releases} too, so the rows of both can be joined.",
    "numbers-in-text": "{texts} [texts|text|texts] in {column} [texts|holds|hold] identifiers of persons: {what}.",
    "contacts-in-text": "{texts} [texts|text|texts] in {column} [texts|holds|hold] ways to reach single persons: "
    "{what}.",
    "offices-in-text": "The texts in {column} hold addresses or telephones of offices ({count}).",
    "order-of-identifier": "The rows stand in the order of {column}, which is withheld: whoever has the list of it can "
    "lay the two side by side.",
    "texts-of-one": "{columns} tie up to {most} [most|text|texts] to one pseudonym, {people} "
    "[people|pseudonym|pseudonyms] to {least} and more: together they tell who wrote them.",
    # One release against the truth (step 2)
    "risk-no-quasi": "The rows are about persons, but no column is declared as one that people could be recognised by "
    "(arengoPrivacyRole: quasi), so it could not be counted who stands alone.",
    "risk-empty": "The table has no rows, so there was nobody to count.",
    "risk-larger-k": "A group must have {k} people, and the whole table has {people}.",
    "risk-empty-column": "{columns} holds no value in any row.",
    "risk-too-fine": "{columns} has about {values} different [values|value|values] for {rows} [rows|person|people], so "
    "hardly anybody shares one.",
    "risk-no-hierarchy": "{columns} is published at the level {level} of the hierarchy {hierarchy}, and there is no "
    "such level in force, so it could not be looked up whom a value may stand for.",
    "risk-register-lacks": "The register of {population} does not tell {columns}, so groups were counted in the data "
    "alone.",
    "risk-not-in-register": "{people} of {rows} [rows|person|people] [people|matches|match] nobody in the register of "
    "{population}; they were counted in the data alone.",
    "risk-register-apart": "{people} of {rows} [rows|person|people] [people|matches|match] nobody in the register of "
    "{population} by {columns}, so the two do not speak of the same and the risk in the population is not known. Make "
    "the values those of the register, or declare at which level they stand (arengoHierarchy, arengoLevel).",
    "risk-register-strange": "The rows are linked to nobody, and the register of {population} tells {known}, none of "
    "which {columns} is: nobody could be looked up. Declare the same arengoPrivacyConcept in both contracts, or the "
    "column of the person's id (arengoSubject).",
    "risk-small-groups": "{people} of {rows} [rows|person|people] [people|stands|stand] in groups of fewer than {k} by "
    "{columns}[unique||; {unique} of them stands alone|; {unique} of them stand alone]. {column} costs most.",
    "risk-small-map": "By {columns}, some rows may be about fewer than {k} people of {population}: {people} "
    "[people|person is|people are] in such a group[unique||, {unique} of them alone|, {unique} of them alone].",
    "risk-profile": "{profile} knows {columns}, and these single out {people} [people|person|people] from everybody "
    "else in {population}.",
    "risk-profile-alone": "{profile} knows {columns}, and by these {people} of {rows} [rows|person|people] "
    "[people|stands|stand] alone.",
    "risk-homogeneous": "In {groups} [groups|group|groups] everybody has the same {columns}: it becomes known of the "
    "{people} [people|person|people] in [groups|it|them].",
    "risk-diversity": "{people} [people|person stands|people stand] in groups with fewer than {l} different values of "
    "{columns}.",
    "risk-closeness": "In some groups {columns} is spread differently from everybody's: the distance is {t}, and at "
    "most {most} is asked for.",
    "risk-met": "Everybody stands in a group of at least {k} by {columns}.",
    # Several releases together (steps 3, 4)
    "register-missing": "The register {register} of the population {population} has no version, so nobody was looked "
    "up in it.",
    "register-empty": "The register {register} of the population {population} lists nobody.",
    "register-no-subject": "The register {register} of the population {population} has no column that holds the "
    "person's id (arengoSubject).",
    "register-duplicates": "The register {register} lists people more than once ({times} [times|row|rows] too many); "
    "each was taken once.",
    "register-nameless": "{times} [times|row|rows] of the register {register} [times|holds|hold] no id and "
    "[times|was|were] left out.",
    "overlap-no-population": "The dataset does not say about which population it is (arengoPopulation), so it was not "
    "compared with what is already public.",
    "overlap-unknown-population": "There is no population {population} in privacy.toml, so the dataset was not "
    "compared with what is already public.",
    "overlap-unlinked": "The rows are not linked to persons and the register does not tell {columns}, so they were not "
    "compared person by person with {releases}.",
    "overlap-rows-gone": "What {releases} told about persons is no longer at hand, so it was not compared with it.",
    "overlap-withdrawn": "{releases} was withdrawn; whoever took a copy still has it, so it was reckoned with.",
    "overlap-joint": "Together with {releases}, publishing this turns {people} [people|person|people] from a group of "
    "at least {k} into a group of [most|1|1 to {most}][alone||; {alone} of them stands alone|; {alone} of them stand "
    "alone]. {column} costs most.",
    "overlap-joint-further": "{people} [people|person|people] stood in a group smaller than {k} already; together with "
    "{releases}, theirs becomes smaller still.",
    "overlap-candidates": "Together with {releases}, {people} [people|person has|people have] fewer than {l} possible "
    "values left for {columns}.",
    "overlap-known": "Together with {releases}, the value of {columns} becomes known for {people} "
    "[people|person|people].",
    "overlap-posterior": "Together with {releases}, a value of {columns} becomes more than {share} % likely for "
    "{people} [people|person|people].",
    "overlap-leavers": "Compared with {releases}, the value of {columns} of {people} [people|person|people] who left, "
    "joined or changed group can be worked out.",
    # What was public before the contract said so
    "public-small-groups": "{releases}, which everybody can read, shows {people} of {rows} [rows|person|people] in "
    "groups of fewer than {k} by {columns}. Publishing anew does not take that back: publish what is safe, then "
    "withdraw it (arengo privacy withdraw), or say why it may stay.",
    "public-names": "{releases}, which everybody can read, names single persons ({columns}). Publishing anew does not "
    "take that back: publish what is safe, then withdraw it (arengo privacy withdraw), or say why it may stay.",
    "public-small-cells": "{releases}, which everybody can read, shows {cells} [cells|cell that counts|cells that "
    "count] fewer than {threshold} persons. Publishing anew does not take that back: publish what is safe, then "
    "withdraw it (arengo privacy withdraw), or say why it may stay.",
    # Rows linked between releases (step 5)
    "linkage-unique": "{people} [people|row matches|rows match] exactly one row of {releases} by {shared}, and that "
    "one is about the same person; together they tell {columns} of them.",
    "linkage-unchecked": "{people} [people|row matches|rows match] exactly one row of {releases} by {shared}; whether "
    "they are about the same persons is not known. Together they would tell {columns}.",
    "linkage-not-compared": "{columns} could not be compared with {releases}: the two are coarsened in different ways.",
    "linkage-rows-gone": "The rows of {releases} are no longer at hand, so no rows were matched with them.",
    "linkage-trace": "Whoever knows {points} [points|thing|things] about somebody ({columns}) finds all of that "
    "person's rows in {share} % of the cases: {people} of {looked} [looked|person who was|people who were] tried.",
    "linkage-hidden-trace": "If it can be told which rows are the same person's, whoever knows {points} "
    "[points|thing|things] about somebody ({columns}) finds them all in {share} % of the cases: {people} of {looked} "
    "[looked|person who was|people who were] tried.",
    "linkage-sighting": "Whoever saw somebody once knows {columns}; that leads to exactly one row for {people} of "
    "{looked} [looked|row that was|rows that were] tried ({share} %).",
    "linkage-sets": "{people} [people|person has|people have] a [items|value|combination of {items} values] of "
    "{columns} that fewer than {k} people share.",
    # Tables of counts and sums (step 6)
    "cells-small": "{cells} [cells|cell counts|cells count] fewer than {threshold} persons ({people} "
    "[people|person|persons] in all).",
    "cells-few-contributors": "{cells} [cells|cell rests|cells rest] on fewer than {threshold} contributors.",
    "cells-dominated": "In {cells} [cells|cell|cells] of {column}, {n} [n|contributor makes|contributors make] up more "
    "than {share} % of the sum: their own [n|figure|figures] can be estimated.",
    "cells-estimable": "In {cells} [cells|cell|cells] of {column}, one contributor can work out another's figure to "
    "within {p} %.",
    "cells-contribution-shown": "{columns}: the largest single contributions to a cell would be published.",
    "cells-one-category": "{cells} [cells|group|groups] of {columns} [cells|falls|fall] whole into one category: "
    "whoever belongs to the group is known to have it ({people} [people|person|persons]).",
    "cells-recovered": "{cells} [cells|figure that was|figures that were] left out can be worked out exactly from the "
    "rest of the table.",
    "cells-narrow": "{cells} [cells|figure that was|figures that were] left out can be estimated to within fewer than "
    "{threshold} persons from the rest of the table.",
    "cells-repeated": "{cells} [cells|cell stands|cells stand] in the table more than once: the columns {columns} do "
    "not tell them apart, so that its sums could not be checked.",
    "cells-not-declared": "The rows look like counts of groups; no column about persons is declared, and the table was "
    "not judged as a table of counts.",
    "cells-undeclared": "{column} looks like counts of people by {by}: {cells} [cells|cell is|cells are] [most|1|1 to "
    "{most}], and the contract does not say so. Declare the table (arengoCells), so that small cells are protected, or "
    "say of {columns} why they may be shown (arengoPersonalReason).",
    "cells-shares": "{column} is a share of {count}: multiplied with it, it tells {cells} [cells|group|groups] of "
    "[most|1 person|1 to {most} persons]. Leave one of the two out, or write the share with fewer decimals.",
    "cells-judged": "{cells} [cells|cell was|cells were] judged: none is too small, and nothing that was left out can "
    "be worked out.",
    "cells-differenced": "Together with {releases}, {parts} small [parts|part|parts] of the population can be worked "
    "out by subtracting published counts: each has fewer than {threshold} persons ({people} in all).",
    "cells-differenced-alone": "{parts} small [parts|part|parts] of the population can be worked out by subtracting "
    "counts of this table from one another: each has fewer than {threshold} persons ({people} in all).",
    "cells-differenced-group": "{parts} [parts|part|parts] of the population that subtracting published counts sets "
    "apart [parts|falls|fall] whole into one sensitive category ({people} [people|person|persons]).",
    "cells-differenced-places": "Where the areas of {zonings} overlap, {parts} small [parts|part|parts] of the "
    "population can be worked out by subtracting the counts of {release} and {releases}: each has fewer than "
    "{threshold} persons ({people} in all).",
    "cells-differenced-areas": "Where the areas of {zonings} overlap, the counts of {release} and {releases} differ by "
    "{people} [people|person|persons] in {parts} [parts|part|parts] of fewer than {threshold}. Nothing says who lives "
    "there (the register has no coordinates, and the population names no addresses), so this goes by the shapes alone.",
    "cells-sums-differenced": "By subtracting the sums of {column} in {release} and {releases}, [parts|that|those] of "
    "{parts} [parts|group|groups] of fewer than {threshold} contributors can be worked out ({people} "
    "[people|contributor|contributors] in all).",
    "cells-sums-telling": "By subtracting sums of {column} ({where}), [parts|that|those] of {parts} "
    "[parts|group|groups] can be worked out, in [parts|which|each of which] {n} [n|contributor makes|contributors "
    "make] up more than {share} % or one can work out another's figure to within {p} %.",
    "cells-pinned": "With this table, the counts of {parts} small [parts|part|parts] of the population can be "
    "estimated to within fewer than {threshold} persons.",
    "cells-differenced-before": "{parts} small [parts|part|parts] of the population can be worked out from earlier "
    "tables already; this table adds nothing to that.",
    "cells-taken-for-one": "No contract says so, but these columns list the same labels, so they were taken for one "
    "(how many labels stand in both): {what}. Give both the same concept where they mean the same, and different ones "
    "where they do not (arengoPrivacyConcept).",
    # Noise and its budget (step 7)
    "budget-fits": "It spends {epsilon} of the privacy of {population}; {left} of {cap} is left in [period|this|these] "
    "{period} [period|day|days]. A figure is off by at most {accuracy} in 95 of 100 cases.",
    "budget-exceeded": "It would spend {epsilon} of the privacy of {population}, and only {left} of {cap} is left in "
    "[period|this|these] {period} [period|day|days]. It is possible from {day}.",
    "budget-never": "It would spend {epsilon} of the privacy of {population}, more than the {cap} that {period} "
    "[period|day has|days have] in all. Ask for less precise figures.",
    "noise-without-population": "The table asks for noise of differential privacy, but no population is named whose "
    "budget it would spend.",
    "noise-without-amount": "The table asks for noise of differential privacy and does not say how much: {why}.",
    "exact-beside-noise": "{releases} gives the same figures of {population} without noise, so the noise of this table "
    "protects nobody.",
    "noise-undone": "{releases} gave these figures of {population} with noise. Publishing them exactly takes that "
    "protection back.",
}
