"""The read actions of CKAN's Action API 3 over the catalogue, each a function of one call; one table has them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from arengo.catalogue import Found, Record, Wanted, say
from arengo.contract.vocabulary import THEMES
from arengo.errors import NotAllowed, UnknownDataset
from arengo.faces.ckan import datastore, package, solr
from arengo.faces.ckan.call import ALL, Call, wrong

VERSION = "2.11.5"
"""The release whose reads are answered; clients branch on it."""
ROWS = 1000
LOOKED = 5000
"""Datasets whose resources one resource_search looks through."""
_FACET_OF = {
    "tags": "tag", "groups": "theme", "organization": "owner", "res_format": "format", "license_id": "licence",
    "extras_access": "access", "extras_frequency": "frequency", "harvest_source_id": "source",
}  # fmt: skip
_TITLES = {
    "tags": "Tags", "groups": "Groups", "organization": "Organizations", "res_format": "Formats",
    "license_id": "Licenses",
}  # fmt: skip
_ORDERS = {
    "id": ("id", "asc"), "name": ("id", "asc"), "title": ("title", "asc"), "title_string": ("title", "asc"),
    "metadata_modified": ("updated", "desc"), "last_modified": ("updated", "desc"), "views_recent": ("updated", "desc"),
    "metadata_created": ("created", "desc"), "score": ("relevance", "desc"),
}  # fmt: skip
"""Key of a sort -> (the catalogue's order, the way it runs)."""


def package_search(r: Call) -> dict[str, Any]:
    """Datasets that fit q and fq (Lucene's syntax): rows (10, at most 1000), start, sort, facet.field."""
    tree = solr.parse(r.text("q") or "*:*")
    words, rest = solr.words_of(tree)
    fq = [part for name in ("fq", "fq_list") for part in _filters(r, name)]
    conditions = [_resolved(r, part) for part in (rest, *(solr.parse(part) for part in fq if part.strip()))]
    rows = r.number("rows", 10, ROWS)
    fields = r.names("facet.field") if r.yes("facet", True) else []
    unlimited = r.text("facet.limit").strip().startswith("-")
    most = 100_000 if unlimited else r.number("facet.limit", 50, 100_000)
    wanted = Wanted(
        words,
        r.language,
        where=("and", *conditions),
        start=r.number("start", 0),
        limit=rows,
        facets=tuple(_FACET_OF[name] for name in fields if name in _FACET_OF),
        facet_limit=most,
    )
    found = _sorted(r, wanted)
    least = r.number("facet.mincount", 1)
    facets: dict[str, dict[str, int]] = {}
    told: dict[str, Any] = {}
    for name in fields[:50]:
        items = found.facets.get(_FACET_OF.get(name, ""), ())
        kept = [item for item in items if item.count >= least]
        values = [(item.value.lower() if name == "groups" else item.value, item) for item in kept]
        facets[name] = {value: item.count for value, item in values}
        told[name] = {
            "title": _TITLES.get(name, name),
            "items": [
                {"name": value, "display_name": say(item.label, r.language)[0] or value, "count": item.count}
                for value, item in values
            ],
        }
    return {
        "count": found.total,
        "sort": r.text("sort") or "score desc, metadata_modified desc",
        "facets": facets,
        "search_facets": told,
        "results": [r.package(hit.record) for hit in found.hits],
    }


def _filters(r: Call, name: str) -> list[str]:
    """One filter, or several: given more than once, as a list, or as a JSON list in a text."""
    given = r.given.get(name)
    if isinstance(given, str) and name == "fq_list" and given.lstrip().startswith("["):
        given = r.value(name)
    found = given if isinstance(given, list) else [given]
    return [str(part) for part in found if part not in (None, "")][:100]


def _sorted(r: Call, wanted: Wanted) -> Found:
    """What is found in the order of ``sort``: the first key that the catalogue knows; its other way by the end."""
    order, backwards = ("relevance" if wanted.words else "updated"), False
    for part in r.text("sort").lower().split(","):
        key, _, way = part.strip().partition(" ")
        known = _ORDERS.get(key)
        if known is not None and (known[0] != "relevance" or wanted.words):
            order, backwards = known[0], (way.strip() or "asc") != known[1] and known[0] != "relevance"
            break
    wanted = replace(wanted, order=order)
    if not backwards:
        return r.site.catalogue.search(wanted)
    total = r.site.catalogue.search(replace(wanted, facets=(), limit=0)).total
    last = max(0, total - wanted.start)
    first = max(0, last - wanted.limit)
    found = r.site.catalogue.search(replace(wanted, start=first, limit=last - first))
    return replace(found, hits=found.hits[::-1])


def _resolved(r: Call, tree: solr.Tree) -> solr.Tree:
    """UUIDs of packages and organisations as the slugs the catalogue knows."""
    kind, *rest = tree
    if kind in ("and", "or", "not"):
        return (kind, *(_resolved(r, part) for part in rest))
    if kind == "id" and package.is_uuid(str(rest[0])):
        found = r.site.catalogue.by_uuid(str(rest[0]).lower())
        return ("id", found.id if found else "")
    if kind == "facet" and rest[0] == "owner" and package.is_uuid(str(rest[1])):
        for agent, _ in r.site.catalogue.organisations():
            if package.organization_id(agent.id) == str(rest[1]).lower():
                return ("facet", "owner", agent.id)
    return tree


def _page(r: Call, default: int = ALL) -> tuple[int, int]:
    return r.number("offset", 0), r.number("limit", default)


def package_list(r: Call) -> list[str]:
    offset, limit = _page(r)
    return list(islice(r.site.catalogue.ids(), offset, offset + limit))


def package_show(r: Call) -> dict[str, Any]:
    """One dataset whole, by its name or id."""
    return r.package(r.record())


def package_autocomplete(r: Call) -> list[dict[str, Any]]:
    """Datasets whose words begin so (q, limit)."""
    found = r.site.catalogue.search(Wanted(r.text("q"), r.language, limit=r.number("limit", 10, 100)))
    return [
        {
            "name": hit.record.id,
            "title": say(hit.record.title, r.language)[0],
            "match_field": "title",
            "match_displayed": f"{say(hit.record.title, r.language)[0]} ({hit.record.id})",
        }
        for hit in found.hits
    ]


def current_package_list_with_resources(r: Call) -> list[dict[str, Any]]:
    """Datasets whole, the last changed first (limit, offset)."""
    limit = r.number("limit", ROWS, ROWS)
    start = r.number("offset", 0) or max(0, r.number("page", 1) - 1) * limit
    found = r.site.catalogue.search(Wanted(order="updated", start=start, limit=limit))
    return [r.package(hit.record) for hit in found.hits]


def resource_show(r: Call) -> dict[str, Any]:
    """One resource by its id."""
    told = r.text("id").lower()
    if not told:
        raise wrong("id", "Missing value")
    record = r.site.catalogue.by_uuid(told[:-4]) if package.is_uuid(told) else None
    if record is not None:
        for item in r.package(record)["resources"]:
            if item["id"] == told:
                return dict(item)
    raise UnknownDataset(f"There is no resource {told[:60]!r}.")


def resource_search(r: Call) -> dict[str, Any]:
    """Resources whose fields hold some words: query is ``field:words`` or a list of them. At most 1000 are found."""
    given = r.value("query")
    terms = [str(term) for term in (given if isinstance(given, list) else [given or ""])][:20]
    pairs = [(field.strip(), words.strip().lower()) for field, _, words in (term.partition(":") for term in terms)]
    if not all(field and words for field, words in pairs):
        raise wrong("query", "query is no field:words.", "Write name:trees.")
    results: list[dict[str, Any]] = []
    for record in _candidates(r, dict(pairs)):
        for item in r.package(record)["resources"]:
            if all(words in str(item.get(field) or "").lower() for field, words in pairs):
                results.append(item)
        if len(results) >= ROWS:
            break
    offset, limit = _page(r, ROWS)
    return {"count": len(results), "results": results[offset : offset + limit]}


def _candidates(r: Call, pairs: Mapping[str, str]) -> list[Record]:
    """Records whose resources are looked through: by format where one is asked for, at most :data:`LOOKED`."""
    only = {"format": (pairs["format"],)} if pairs.get("format") else {}
    found = r.site.catalogue.search(Wanted(only=only, order="id", limit=LOOKED))
    return [hit.record for hit in found.hits]


def resource_view_list(r: Call) -> list[Any]:
    return []


def organization_list(r: Call) -> list[Any]:
    found = r.site.catalogue.organisations()
    asked = set(r.names("organizations"))
    chosen = [(agent, count) for agent, count in found if not asked or agent.id in asked]
    offset, limit = _page(r)
    chosen = sorted(chosen, key=lambda pair: pair[0].id)[offset : offset + limit]
    if not r.yes("all_fields"):
        return [agent.id for agent, _ in chosen]
    return [package.organization(agent, r.base, r.language, count) for agent, count in chosen]


def organization_show(r: Call) -> dict[str, Any]:
    told = r.text("id")
    for agent, count in r.site.catalogue.organisations():
        if told in (agent.id, package.organization_id(agent.id)):
            body = package.organization(agent, r.base, r.language, count)
            if r.yes("include_datasets"):
                found = r.site.catalogue.search(Wanted(only={"owner": (agent.id,)}, order="title", limit=ROWS))
                body["packages"] = [r.package(hit.record) for hit in found.hits]
            return body
    raise UnknownDataset(f"There is no organization {told[:60]!r}.")


def _themes(r: Call) -> dict[str, int]:
    found = r.site.catalogue.search(Wanted(limit=0, facets=("theme",), facet_limit=100))
    return {item.value: item.count for item in found.facets.get("theme", ())}


def group_list(r: Call) -> list[Any]:
    counts = _themes(r)
    asked = {name.upper() for name in r.names("groups")}
    codes = sorted(code for code in counts if not asked or code in asked)
    offset, limit = _page(r)
    codes = codes[offset : offset + limit]
    if not r.yes("all_fields"):
        return [code.lower() for code in codes]
    return [package.group(code, r.base, r.language, counts[code]) for code in codes]


def _theme(r: Call) -> str:
    told = r.text("id")
    if not told:
        raise wrong("id", "Missing value")
    if told.upper() not in THEMES:
        raise UnknownDataset(f"There is no group {told[:60]!r}.")
    return told.upper()


def group_show(r: Call) -> dict[str, Any]:
    code = _theme(r)
    body = package.group(code, r.base, r.language, _themes(r).get(code, 0))
    if r.yes("include_datasets"):
        body["packages"] = group_package_show(r)
    return body


def group_autocomplete(r: Call) -> list[dict[str, Any]]:
    words = r.text("q").lower()
    shown = [package.group(code, r.base, r.language) for code in sorted(_themes(r))]
    return [item for item in shown if words in item["title"].lower() or words in item["name"]][: r.number("limit", 20)]


def organization_autocomplete(r: Call) -> list[dict[str, Any]]:
    words = r.text("q").lower()
    shown = [package.organization(agent, r.base, r.language) for agent, _ in r.site.catalogue.organisations()]
    return [item for item in shown if words in item["title"].lower() or words in item["name"]][: r.number("limit", 20)]


def group_package_show(r: Call) -> list[dict[str, Any]]:
    code = _theme(r)
    limit = r.number("limit", ROWS, ROWS)
    found = r.site.catalogue.search(Wanted(only={"theme": (code,)}, order="title", limit=limit))
    return [r.package(hit.record) for hit in found.hits]


def _tags(r: Call) -> list[str]:
    found = r.site.catalogue.search(Wanted(limit=0, facets=("tag",), facet_limit=100_000))
    return sorted({say(item.label, r.language)[0] or item.value for item in found.facets.get("tag", ())})


def tag_list(r: Call) -> list[Any]:
    words = r.text("query").lower()
    names = [name for name in _tags(r) if words in name.lower()]
    return [package.tag(name) for name in names] if r.yes("all_fields") else names


def tag_show(r: Call) -> dict[str, Any]:
    told = r.text("id")
    if told not in _tags(r):
        raise UnknownDataset(f"There is no tag {told[:60]!r}.")
    body = package.tag(told)
    if r.yes("include_datasets"):
        found = r.site.catalogue.search(Wanted(only={"tag": (told,)}, limit=ROWS))
        body["packages"] = [r.package(hit.record) for hit in found.hits]
    return body


def tag_search(r: Call) -> dict[str, Any]:
    words = (r.text("query") or r.text("q")).lower()
    names = [name for name in _tags(r) if words in name.lower()]
    offset, limit = _page(r, 100)
    return {"count": len(names), "results": [package.tag(name) for name in names[offset : offset + limit]]}


def tag_autocomplete(r: Call) -> list[str]:
    return [str(item["name"]) for item in tag_search(r)["results"]]


def license_list(r: Call) -> list[dict[str, Any]]:
    return package.licences()


def format_autocomplete(r: Call) -> list[str]:
    found = r.site.catalogue.search(Wanted(limit=0, facets=("format",), facet_limit=1000))
    words = r.text("q").lower()
    names = [say(item.label, "en")[0].lower() for item in found.facets.get("format", ())]
    return [name for name in names if words in name][: r.number("limit", 5, 100)]


def nothing(r: Call) -> list[Any]:
    return []


def none(r: Call) -> int:
    return 0


def recently_changed(r: Call) -> list[dict[str, Any]]:
    """The last changes of datasets, the newest first (limit, offset)."""
    found = r.site.catalogue.search(
        Wanted(order="updated", start=r.number("offset", 0), limit=r.number("limit", 31, 100))
    )
    return [_activity(r, hit.record) for hit in found.hits]


def _activity(r: Call, record: Record) -> dict[str, Any]:
    return {
        "id": package.resource_id(record, package.VERSION_MARK + (record.version or 0)),
        "timestamp": package.time(record.modified),
        "user_id": record.publisher.id if record.publisher else "",
        "object_id": record.uuid,
        "revision_id": None,
        "activity_type": "changed package" if (record.version or 0) > 1 else "new package",
        "data": {"package": r.package(record), "actor": None},
    }


def status_show(r: Call) -> dict[str, Any]:
    city = r.site.settings.city
    return {
        "ckan_version": VERSION,
        "site_url": r.base,
        "site_title": city.name,
        "site_description": city.description,
        "error_emails_to": None,
        "locale_default": city.language,
        "extensions": ["datastore", "dcat"],
    }


def help_show(r: Call) -> str:
    name = r.text("name")
    action = ACTIONS.get(name)
    if action is None:
        raise UnknownDataset(f"There is no action {name[:60]!r}.")
    return str(action.__doc__ or f"Read action {name}, as CKAN {VERSION} describes it.")


def unknown(r: Call) -> Any:
    """Nothing of that kind is kept here."""
    raise UnknownDataset(f"There is no {r.text('id')[:60]!r} here.")


def package_activity_list(r: Call) -> list[Any]:
    """The last change of one dataset; the versions before it are resources of their own."""
    return [_activity(r, r.record())]


ACTIONS: Mapping[str, Callable[[Call], Any]] = {
    "status_show": status_show,
    "site_read": lambda r: True,
    "help_show": help_show,
    "package_list": package_list,
    "package_show": package_show,
    "package_search": package_search,
    "package_autocomplete": package_autocomplete,
    "package_activity_list": package_activity_list,
    "package_relationships_list": nothing,
    "package_follower_count": none,
    "dataset_follower_count": none,
    "dataset_follower_list": nothing,
    "current_package_list_with_resources": current_package_list_with_resources,
    "resource_show": resource_show,
    "resource_search": resource_search,
    "resource_view_list": resource_view_list,
    "resource_view_show": unknown,
    "group_list": group_list,
    "group_show": group_show,
    "group_package_show": group_package_show,
    "group_autocomplete": group_autocomplete,
    "group_activity_list": nothing,
    "group_follower_count": none,
    "group_follower_list": nothing,
    "group_list_authz": nothing,
    "organization_list": organization_list,
    "organization_show": organization_show,
    "organization_autocomplete": organization_autocomplete,
    "organization_activity_list": nothing,
    "organization_follower_count": none,
    "organization_follower_list": nothing,
    "organization_list_for_user": nothing,
    "member_list": nothing,
    "tag_list": tag_list,
    "tag_show": tag_show,
    "tag_search": tag_search,
    "tag_autocomplete": tag_autocomplete,
    "license_list": license_list,
    "format_autocomplete": format_autocomplete,
    "vocabulary_list": nothing,
    "vocabulary_show": unknown,
    "user_list": nothing,
    "user_show": unknown,
    "user_autocomplete": nothing,
    "user_activity_list": nothing,
    "user_follower_count": none,
    "user_follower_list": nothing,
    "recently_changed_packages_activity_list": recently_changed,
    "datastore_search": datastore.search,
    "datastore_search_sql": datastore.search_sql,
    "datastore_info": datastore.info,
}
"""Name -> read action."""

_WRITES = (
    "_create", "_update", "_patch", "_delete", "_purge", "_upsert", "_revise", "_invite", "_reorder", "_submit",
    "_update_many", "_update_all", "_run_triggers", "_transfer", "_revoke", "_clear", "_cancel", "_hook",
)  # fmt: skip
_OTHERS_SET = (
    "follow_", "unfollow_", "bulk_", "dashboard_", "send_", "config_", "job_", "am_following_", "get_site_user",
    "api_token_", "roles_", "harvest_",
)  # fmt: skip


def call(name: str, given: Call) -> Any:
    """The result of one action. Raises NotAllowed for one that writes, KeyError for one nobody knows."""
    action = ACTIONS.get(name)
    if action is not None:
        return action(given)
    if name.endswith(_WRITES) or name.startswith(_OTHERS_SET):
        raise NotAllowed("Access denied: this catalogue is only read here.", todo="The city publishes by contract.")
    raise KeyError(name)
