"""The read actions of CKAN's Action API 3, each a function of what was given; one table names them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import orjson

from arengo.catalogue import Record, Wanted, say
from arengo.contract.vocabulary import THEMES
from arengo.door import Caller
from arengo.errors import BadQuery, NotAllowed, UnknownDataset
from arengo.faces.ckan import datastore, package, solr
from arengo.faces.site import Site

VERSION = "2.11.5"
"""The release whose reads are answered; clients branch on it."""
ROWS = 1000
ALL = 10**9
_FACET_OF = {
    "tags": "tag", "groups": "theme", "organization": "owner", "res_format": "format", "license_id": "licence",
    "extras_access": "access", "extras_frequency": "frequency", "harvest_source_id": "source",
}  # fmt: skip
_TITLES = {
    "tags": "Tags", "groups": "Groups", "organization": "Organizations", "res_format": "Formats",
    "license_id": "Licenses",
}  # fmt: skip
_ORDERS = {
    "id asc": "id", "name asc": "id", "title_string asc": "title", "title asc": "title",
    "metadata_modified desc": "updated", "metadata_modified asc": "oldest", "metadata_created desc": "created",
    "score desc": "relevance", "views_recent desc": "updated", "last_modified desc": "updated",
}  # fmt: skip


class Request:
    """One call: the rooms, who asks, what was given, and the public address."""

    def __init__(self, site: Site, caller: Caller, base: str, given: Mapping[str, Any]) -> None:
        self.site = site
        self.caller = caller
        self.base = base
        self.given = given
        self.language = site.settings.city.language.split("-")[0]

    def text(self, name: str, default: str = "") -> str:
        value = self.given.get(name)
        return default if value is None else str(value)

    def yes(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "1", "yes", "t")

    def number(self, name: str, default: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not value.lstrip("-").isdecimal() or not 0 <= int(value) <= ALL:
            raise BadQuery(f"{name} is {value[:20]!r}, which is no whole number.")
        return int(value)

    def names(self, name: str) -> list[str]:
        value = self.given.get(name)
        if isinstance(value, list):
            return [str(item) for item in value]
        text = str(value or "").strip()
        if text.startswith("["):
            try:
                found = orjson.loads(text)
                return [str(item) for item in found] if isinstance(found, list) else []
            except orjson.JSONDecodeError:
                raise BadQuery(f"{name} is no JSON list.", todo='Write ["tags","groups"].') from None
        return [part for part in text.replace(",", " ").split() if part]

    def record(self, name: str = "id") -> Record:
        """The record by slug or UUID. Raises UnknownDataset."""
        told = self.text(name) or self.text("name_or_id")
        if not told:
            raise BadQuery(f"{name} is missing.")
        if len(told) == 36 and told.count("-") == 4:
            found = self.site.catalogue.by_uuid(told)
            if found is not None:
                return found
        return self.site.catalogue.record(told)

    def package(self, record: Record) -> dict[str, Any]:
        return package.package(record, self.base, self.language)


def package_search(r: Request) -> dict[str, Any]:
    listed = r.given.get("fq_list")
    fq = [r.text("fq"), *(map(str, listed) if isinstance(listed, list) else r.names("fq_list"))]
    tree = solr.parse(r.text("q") or "*:*")
    words, rest = solr.words_of(tree)
    conditions = [_resolved(r, part) for part in (rest, *(solr.parse(part) for part in fq if part.strip()))]
    rows = min(r.number("rows", 10), ROWS)
    sort = " ".join(r.text("sort", "score desc, metadata_modified desc").split(",")[0].lower().split())
    order = _ORDERS.get(sort) or _ORDERS.get(f"{sort} asc", "relevance")
    if order == "relevance" and not words:
        order = "updated"
    fields = r.names("facet.field") if r.text("facet", "true").lower() != "false" else []
    known = tuple(_FACET_OF[name] for name in fields if name in _FACET_OF)
    most = r.number("facet.limit", 50) if r.text("facet.limit") != "-1" else ALL
    found = r.site.catalogue.search(
        Wanted(
            words, r.language, where=("and", *conditions), order=order, start=r.number("start", 0), limit=max(rows, 0),
            facets=known, facet_limit=min(most, 100_000),
        )
    )  # fmt: skip
    least = r.number("facet.mincount", 1)
    facets: dict[str, dict[str, int]] = {}
    told: dict[str, Any] = {}
    for name in fields:
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
        "sort": r.text("sort", "score desc, metadata_modified desc"),
        "facets": facets,
        "search_facets": told,
        "results": [r.package(hit.record) for hit in found.hits] if rows else [],
    }


def _resolved(r: Request, tree: solr.Tree) -> solr.Tree:
    """UUIDs of packages and organisations as the slugs the catalogue knows."""
    kind, *rest = tree
    if kind in ("and", "or", "not"):
        return (kind, *(_resolved(r, part) for part in rest))
    if kind == "id" and len(str(rest[0])) == 36:
        found = r.site.catalogue.by_uuid(str(rest[0]))
        return ("id", found.id if found else "")
    if kind == "facet" and rest[0] == "owner" and len(str(rest[1])) == 36:
        for agent, _ in r.site.catalogue.organisations():
            if package.organization(agent, r.base, r.language)["id"] == rest[1]:
                return ("facet", "owner", agent.id)
    return tree


def _page(r: Request, default: int = ALL) -> tuple[int, int]:
    return r.number("offset", 0), r.number("limit", default)


def package_list(r: Request) -> list[str]:
    offset, limit = _page(r)
    return list(islice(r.site.catalogue.ids(), offset, offset + limit))


def package_show(r: Request) -> dict[str, Any]:
    return r.package(r.record())


def package_autocomplete(r: Request) -> list[dict[str, Any]]:
    found = r.site.catalogue.search(Wanted(r.text("q"), r.language, limit=min(r.number("limit", 10), 100)))
    return [
        {
            "name": hit.record.id,
            "title": say(hit.record.title, r.language)[0],
            "match_field": "title",
            "match_displayed": say(hit.record.title, r.language)[0],
        }
        for hit in found.hits
    ]


def current_package_list_with_resources(r: Request) -> list[dict[str, Any]]:
    limit = min(r.number("limit", 1000), 1000)
    start = r.number("offset", 0) or max(0, r.number("page", 1) - 1) * limit
    found = r.site.catalogue.search(Wanted(order="updated", start=start, limit=limit))
    return [r.package(hit.record) for hit in found.hits]


def resource_show(r: Request) -> dict[str, Any]:
    told = r.text("id")
    record = r.site.catalogue.by_uuid(told[:-4]) if len(told) == 36 else None
    if record is not None:
        for item in r.package(record)["resources"]:
            if item["id"] == told:
                return dict(item)
    raise UnknownDataset(f"There is no resource {told[:60]!r}.")


def resource_search(r: Request) -> dict[str, Any]:
    """``query``: ``field:words`` or a list of them, over the resources of what the words find."""
    asked = r.given.get("query") or ""
    terms = asked if isinstance(asked, list) else r.names("query") if str(asked).startswith("[") else [str(asked)]
    results: list[dict[str, Any]] = []
    for record in r.site.catalogue.records():
        for item in r.package(record)["resources"]:
            if all(_has(item, str(term)) for term in terms):
                results.append(item)
        if len(results) >= ROWS:
            break
    offset, limit = _page(r, ROWS)
    return {"count": len(results), "results": results[offset : offset + limit]}


def _has(item: Mapping[str, Any], term: str) -> bool:
    field, _, words = term.partition(":")
    return bool(words) and words.lower() in str(item.get(field, "")).lower()


def resource_view_list(r: Request) -> list[Any]:
    return []


def organization_list(r: Request) -> list[Any]:
    found = r.site.catalogue.organisations()
    asked = set(r.names("organizations"))
    chosen = [(agent, count) for agent, count in found if not asked or agent.id in asked]
    offset, limit = _page(r)
    chosen = sorted(chosen, key=lambda pair: pair[0].id)[offset : offset + limit]
    if not r.yes("all_fields"):
        return [agent.id for agent, _ in chosen]
    return [package.organization(agent, r.base, r.language, count) for agent, count in chosen]


def organization_show(r: Request) -> dict[str, Any]:
    told = r.text("id")
    for agent, count in r.site.catalogue.organisations():
        body = package.organization(agent, r.base, r.language, count)
        if told in (agent.id, body["id"]):
            if r.yes("include_datasets"):
                found = r.site.catalogue.search(Wanted(only={"owner": (agent.id,)}, order="title", limit=ROWS))
                body["packages"] = [r.package(hit.record) for hit in found.hits]
            return body
    raise UnknownDataset(f"There is no organization {told[:60]!r}.")


def _themes(r: Request) -> dict[str, int]:
    found = r.site.catalogue.search(Wanted(limit=0, facets=("theme",), facet_limit=100))
    return {item.value: item.count for item in found.facets.get("theme", ())}


def group_list(r: Request) -> list[Any]:
    counts = _themes(r)
    asked = {name.upper() for name in r.names("groups")}
    codes = sorted(code for code in counts if not asked or code in asked)
    offset, limit = _page(r)
    codes = codes[offset : offset + limit]
    if not r.yes("all_fields"):
        return [code.lower() for code in codes]
    return [package.group(code, r.base, r.language, counts[code]) for code in codes]


def group_show(r: Request) -> dict[str, Any]:
    code = r.text("id").upper()
    if code not in THEMES:
        raise UnknownDataset(f"There is no group {code[:60].lower()!r}.")
    body = package.group(code, r.base, r.language, _themes(r).get(code, 0))
    if r.yes("include_datasets"):
        body["packages"] = group_package_show(r)
    return body


def group_package_show(r: Request) -> list[dict[str, Any]]:
    code = r.text("id").upper()
    if code not in THEMES:
        raise UnknownDataset(f"There is no group {code[:60].lower()!r}.")
    limit = min(r.number("limit", ROWS), ROWS)
    found = r.site.catalogue.search(Wanted(only={"theme": (code,)}, order="title", limit=limit))
    return [r.package(hit.record) for hit in found.hits]


def _tags(r: Request) -> list[str]:
    found = r.site.catalogue.search(Wanted(limit=0, facets=("tag",), facet_limit=100_000))
    return sorted({say(item.label, r.language)[0] or item.value for item in found.facets.get("tag", ())})


def tag_list(r: Request) -> list[Any]:
    words = r.text("query").lower()
    names = [name for name in _tags(r) if words in name.lower()]
    return [package.tag(name) for name in names] if r.yes("all_fields") else names


def tag_show(r: Request) -> dict[str, Any]:
    told = r.text("id")
    if told not in _tags(r):
        raise UnknownDataset(f"There is no tag {told[:60]!r}.")
    body = package.tag(told)
    if r.yes("include_datasets"):
        found = r.site.catalogue.search(Wanted(only={"tag": (told,)}, limit=ROWS))
        body["packages"] = [r.package(hit.record) for hit in found.hits]
    return body


def tag_search(r: Request) -> dict[str, Any]:
    words = (r.text("query") or r.text("q")).lower()
    names = [name for name in _tags(r) if words in name.lower()]
    offset, limit = _page(r, 100)
    return {"count": len(names), "results": [package.tag(name) for name in names[offset : offset + limit]]}


def tag_autocomplete(r: Request) -> list[str]:
    return [str(item["name"]) for item in tag_search(r)["results"]]


def license_list(r: Request) -> list[dict[str, Any]]:
    return package.licences()


def format_autocomplete(r: Request) -> list[str]:
    found = r.site.catalogue.search(Wanted(limit=0, facets=("format",), facet_limit=1000))
    words = r.text("q").lower()
    names = [say(item.label, "en")[0].lower() for item in found.facets.get("format", ())]
    return [name for name in names if words in name][: min(r.number("limit", 5), 100)]


def nothing(r: Request) -> list[Any]:
    return []


def none(r: Request) -> int:
    return 0


def recently_changed(r: Request) -> list[dict[str, Any]]:
    limit = min(r.number("limit", 31), 100)
    found = r.site.catalogue.search(Wanted(order="updated", start=r.number("offset", 0), limit=limit))
    return [
        {
            "id": f"{hit.record.uuid[:-4]}{hit.record.version or 0:04x}",
            "timestamp": package.time(hit.record.modified),
            "user_id": hit.record.publisher.id if hit.record.publisher else "",
            "object_id": hit.record.uuid,
            "revision_id": None,
            "activity_type": "changed package" if (hit.record.version or 0) > 1 else "new package",
            "data": {"package": r.package(hit.record)},
        }
        for hit in found.hits
    ]


def status_show(r: Request) -> dict[str, Any]:
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


def help_show(r: Request) -> str:
    name = r.text("name")
    action = ACTIONS.get(name)
    if action is None:
        raise UnknownDataset(f"There is no action {name[:60]!r}.")
    return str(action.__doc__ or f"Read action {name}, as CKAN {VERSION} describes it.")


def user_show(r: Request) -> Any:
    raise UnknownDataset("There are no users to show.")


def datastore_search(r: Request) -> dict[str, Any]:
    return datastore.search(r.site, r.caller, r.given)


def datastore_search_sql(r: Request) -> dict[str, Any]:
    return datastore.search_sql(r.site, r.caller, r.given)


def datastore_info(r: Request) -> dict[str, Any]:
    return datastore.info(r.site, r.caller, r.given)


def package_activity_list(r: Request) -> list[Any]:
    record = r.record()
    return [item for item in recently_changed(r) if item["object_id"] == record.uuid]


ACTIONS: Mapping[str, Callable[[Request], Any]] = {
    "status_show": status_show,
    "site_read": lambda r: True,
    "help_show": help_show,
    "package_list": package_list,
    "package_show": package_show,
    "package_search": package_search,
    "package_autocomplete": package_autocomplete,
    "package_activity_list": package_activity_list,
    "package_follower_count": none,
    "dataset_follower_count": none,
    "dataset_follower_list": nothing,
    "current_package_list_with_resources": current_package_list_with_resources,
    "resource_show": resource_show,
    "resource_search": resource_search,
    "resource_view_list": resource_view_list,
    "group_list": group_list,
    "group_show": group_show,
    "group_package_show": group_package_show,
    "group_follower_count": none,
    "organization_list": organization_list,
    "organization_show": organization_show,
    "organization_follower_count": none,
    "tag_list": tag_list,
    "tag_show": tag_show,
    "tag_search": tag_search,
    "tag_autocomplete": tag_autocomplete,
    "license_list": license_list,
    "format_autocomplete": format_autocomplete,
    "vocabulary_list": nothing,
    "user_list": nothing,
    "user_show": user_show,
    "recently_changed_packages_activity_list": recently_changed,
    "datastore_search": datastore_search,
    "datastore_search_sql": datastore_search_sql,
    "datastore_info": datastore_info,
}
"""Name -> read action."""

_WRITES = ("_create", "_update", "_patch", "_delete", "_purge", "_upsert", "_revise", "_invite", "_reorder")


def call(name: str, request: Request) -> Any:
    """The result of one action. Raises NotAllowed for one that writes, KeyError for one nobody knows."""
    action = ACTIONS.get(name)
    if action is not None:
        return action(request)
    if name.endswith(_WRITES) or name.startswith(("follow_", "unfollow_", "bulk_", "dashboard_", "send_", "config_")):
        raise NotAllowed("This catalogue is read here; a city publishes by contract.", todo="See the contracts.")
    raise KeyError(name)
