"""The policies a new city begins with: careful, few, each with a reason."""

CITY_CEDAR = """\
// Rules for the whole city. They only take away or blur; what is given is each owner's to give, in its contract
// (arengoAccess: open), in an agreement, or in policies/ORGANISATION/*.cedar.
//
// 'arengo policy schema' shows what rules may speak of, 'arengo policy check' reads them, 'arengo policy test' runs
// policies/tests/*.yaml, 'arengo apply' brings them into force.

@id("restricted-needs-a-sure-login")
@reason("Columns classified as restricted are shown only after a sign-in of substantial assurance.")
forbid (principal is Person, action == Action::"see-column", resource)
when { resource.classification == "restricted" && resource.dataset.access != "open" && context.assurance < 2 };

@id("people-are-not-to-be-found-out")
@reason("Whoever reads about persons promises not to find out who they are.")
@oblige("Do not try to find out who somebody is, by yourself or with other data.")
permit (principal, action == Action::"shape", resource is Dataset)
when { resource.personal && resource.access != "open" } unless { principal in resource.owner };

// With zones of the network named in city.toml, such as [policy] zones = ["office 10.0.0.0/8"]:
//
// @id("sensitive-stays-in-the-office")
// @reason("What tells about somebody's health, belief, origin or means is read from the city's own network only.")
// forbid (principal is Person, action == Action::"see-column", resource)
// when { resource.privacyRole == "sensitive" && context.zone != "office" };
"""

CITY_TESTS = """\
# Tests of the rules in policies/: 'arengo policy test' runs them. An example, to be written for a dataset of yours:
#
# - name: Restricted columns need a sure login
#   dataset: school-enrolment
#   as: {person: anna, organisation: schools, roles: [schools/steward], assurance: low}
#   expect: allow
#   hidden: [pupil, birth_date]
[]
"""

FILES = {"policies/city.cedar": CITY_CEDAR, "policies/tests/city.yaml": CITY_TESTS}
"""Path in the city folder -> text."""
