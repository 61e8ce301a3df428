"""The rules of the made-up city in its folder: policies with their tests, and the code lists that blur places."""

from __future__ import annotations

from pathlib import Path

from arengo.demo import files, names
from arengo.demo.world import World

CITY = """\
// Rules for the whole city. They only take away or blur; what is given is each owner's to give, in its contract
// (arengoAccess: open), in an agreement, or in policies/ORGANISATION/*.cedar.

@id("restricted-needs-a-sure-login")
@reason("Columns classified as restricted are shown to people only after a sign-in of substantial assurance.")
forbid (principal is Person, action == Action::"see-column", resource)
when { resource.classification == "restricted" && resource.dataset.access != "open" && context.assurance < 2 };

@id("people-are-not-to-be-found-out")
@reason("Whoever reads about persons promises not to find out who they are.")
@oblige("Do not try to find out who somebody is, by yourself or with other data.")
permit (principal, action == Action::"shape", resource is Dataset)
when { resource.personal && resource.access != "open" } unless { principal in resource.owner };
"""

EDUCATION = """\
// Rules of the Education Services for their own datasets.

@id("support-stays-here")
@reason("Which pupil has special needs is known to the Education Services only, whatever an agreement says.")
forbid (principal, action == Action::"see-column", resource)
when { resource.personalKind == "health" } unless { principal in resource.owner };

@id("homes-by-district-on-screens")
@reason("People of other offices see homes of pupils by district; only programs under an agreement need more.")
@mask("generalise places:district")
permit (principal is Person, action == Action::"shape", resource is Column)
when { resource == Column::"school-enrolments/neighbourhood" } unless { principal in resource.owner };
"""

TESTS = """\
# 'arengo policy test' runs them. Each says who asks, and what has to come out.
- name: A program of another office reads what was agreed, with pupils it cannot name
  dataset: school-enrolments
  as: {application: school-routes, organisation: mobility-department}
  given:
    columns: [pupil_id, neighbourhood, school, grade, school_bus]
    masks: {pupil_id: pseudonym}
    purpose: planning
    plan: standard
  expect: allow
  columns: [pupil_id, neighbourhood, school, grade, school_bus]
  masks: {pupil_id: pseudonym}

- name: People of another office see districts
  dataset: school-enrolments
  as: {person: elena, organisation: mobility-department, roles: [mobility-department/reader], assurance: substantial}
  given:
    columns: [neighbourhood, school]
    purpose: planning
    plan: standard
  expect: allow
  masks: {neighbourhood: "generalise places:district"}

- name: No agreement gives special needs away
  dataset: school-enrolments
  as: {application: school-routes, organisation: mobility-department}
  given:
    columns: [school, special_needs]
    purpose: planning
    plan: standard
  expect: allow
  hidden: [special_needs]

- name: Without an agreement nothing is read
  dataset: school-enrolments
  as: {application: school-routes, organisation: mobility-department}
  expect: deny

- name: A suspended agreement opens nothing
  dataset: school-enrolments
  as: {application: meal-plans, organisation: statistics-office}
  given:
    columns: [school, grade, canteen]
    purpose: planning
    plan: standard
    state: suspended
  expect: deny

- name: Nobody reads the registry of persons by an agreement
  dataset: registry-persons
  as: {application: school-routes, organisation: mobility-department}
  expect: deny
"""


def write(world: World, root: Path) -> None:
    """Policies, their tests and the hierarchy of places into the city folder."""
    files.write(root / "policies" / "city.cedar", CITY)
    files.write(root / "policies" / "education-services" / "pupils.cedar", EDUCATION)
    files.write(root / "policies" / "tests" / "pupils.yaml", TESTS)
    rows = [
        (cell.code, f"{cell.district:02d} {names.DISTRICTS[cell.district - 1]}", "Arvenza")
        for cell in world.ground.cells
    ]
    files.table(root / "hierarchies" / "places.csv", ("value", "district", "city"), rows)
