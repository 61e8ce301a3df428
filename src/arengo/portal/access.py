"""Who may read a dataset, in plain words: what it holds without a row, who decides, and the way to ask."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from arengo.contract.model import Contract
from arengo.contract.purpose import personal, purposes
from arengo.governance import response
from arengo.governance.agreement import Agreement
from arengo.governance.approval import steward
from arengo.governance.owner import owner_of
from arengo.governance.plan import approval_rule, plans
from arengo.governance.product import Product
from arengo.portal.agreement_story import Names, left_words, suspended_words
from arengo.portal.agreement_words import badge, basis_words, span_words
from arengo.portal.dossier import Dossier
from arengo.portal.entrance import private
from arengo.portal.terms import column_lines
from arengo.portal.visit import Visit

OPEN_STATES = ("draft", "pending", "active", "suspended")


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for this visitor. ``actions``: (address, words, whether it is the second step)."""

    tone: str
    title: str
    words: tuple[str, ...]
    actions: tuple[tuple[str, str, bool], ...] = ()


def page(visit: Visit) -> Response:
    """``GET /datasets/{id}/access``."""
    d = Dossier(visit, visit.request.path_params["dataset"], unseen=True)
    contract, by, _ = d.contract, visit.caller, visit._
    product = visit.site.agreements.product(d.id)
    mine = own(visit, d.id)
    gives = steward(by, owner_of(contract))
    asking = contract.access == "shared" and product.requestable and not gives
    # A closed dataset tells its columns to nobody but its owner.
    told = contract.access != "closed" or gives
    values = {
        "d": d,
        "tab": "access",
        "tab_title": _("Who may read this"),
        "standing": standing(visit, d, product, mine, gives),
        "rules": rules(visit, d, product),
        "columns": column_lines(visit, contract) if told else [],
        "asking": asking,
        "known": bool(by.party),
        "plans": _plans(visit, contract) if contract.access == "shared" else [],
        "purposes": _purposes(visit, contract),
        "facts": _facts(visit, d),
        "readers": gives,
    }
    return private(visit.page("access.html", values))


def here(visit: Visit, d: Dossier) -> Standing:
    """What a refused page says and offers in the same place."""
    gives = steward(visit.caller, owner_of(d.contract))
    return standing(visit, d, visit.site.agreements.product(d.id), own(visit, d.id), gives)


def own(visit: Visit, dataset: str) -> tuple[Agreement, ...]:
    """What the visitor's organisation asked for and got of a dataset, the newest first; not what is over."""
    if not visit.caller.party:
        return ()
    found = visit.site.agreements.listing(visit.caller, side="consumer", states=OPEN_STATES, dataset=dataset)
    return tuple(item for item in found if item.organisation == visit.caller.organisation)


def standing(visit: Visit, d: Dossier, product: Product, mine: tuple[Agreement, ...], gives: bool) -> Standing:
    """The answer in the first lines of the page."""
    _, access, names = visit._, d.contract.access, Names(visit)
    here = visit.link("datasets", d.id)
    if access == "open":
        programs = ((visit.link("datasets", d.id, "api"), _("For programs"), True),) if d.entry.version else ()
        words = (_("No account, no key, no request."),)
        return Standing("good", _("Everybody may read it"), words, ((here, _("Open the data"), False), *programs))
    if gives:
        words = (_("You decide about it for %(owner)s.", owner=d.owner),)
        actions = (
            (visit.link("datasets", d.id, "readers"), _("Who reads it"), False),
            (visit.link("desk", "access", dataset=d.id), _("Requests for access"), True),
        )
        return Standing("good", _("It is your own data"), words, actions)
    active = [item for item in mine if badge(visit, item).state == "active"]
    if active:
        item = active[0]
        who = _("The agreement is for %(reader)s, %(until)s.", reader=names.reader(item), until=left_words(visit, item))
        more = (_ask(visit, d, _("Ask for something else")),) if product.requestable else ()
        return Standing("good", _("You may read it"), (who,), ((_to(item), _("See the agreement"), False), *more))
    waiting = [item for item in mine if badge(visit, item).state == "pending"]
    if waiting:
        words = (_("%(owner)s decides. You get a letter with the answer.", owner=d.owner),)
        return Standing("warn", _("Your request waits for an answer"), words,
                        ((_to(waiting[0]), _("See the request"), False),))  # fmt: skip
    stopped = [item for item in mine if item.state == "suspended"]
    if stopped:
        return Standing("bad", _("You may not read it at the moment"), (suspended_words(visit, stopped[0], names),),
                        ((_to(stopped[0]), _("See why"), False),))  # fmt: skip
    drafts = [item for item in mine if item.state == "draft"]
    if drafts:
        return Standing("", _("You have begun a request"), (_("It is not sent yet."),),
                        ((_to(drafts[0]), _("Go on with it"), False), _ask(visit, d, _("Begin another"))))  # fmt: skip
    if access == "closed":
        return Standing("bad", _("It is given to nobody else"), (_closed(visit, d),))
    if not product.requestable:
        return Standing("bad", _("It cannot be asked for at the moment"), (product.why,) if product.why else ())
    words = (_("Say what you need it for. %(owner)s decides, and you get a letter with the answer.", owner=d.owner),)
    return Standing("warn", _("You may read it when %(owner)s agrees", owner=d.owner), words,
                    (_ask(visit, d, _("Ask for access"), second=False),))  # fmt: skip


def _ask(visit: Visit, d: Dossier, words: str, second: bool = True) -> tuple[str, str, bool]:
    return visit.link("datasets", d.id, "access", "ask"), words, second


def _to(item: Agreement) -> str:
    return f"/agreements/{quote(item.id)}"


def _closed(visit: Visit, d: Dossier) -> str:
    contact = visit.settings.city.contact
    if contact:
        return visit._("Only %(owner)s reads it. Questions: %(mail)s", owner=d.owner, mail=contact)
    return visit._("Only %(owner)s reads it.", owner=d.owner)


def rules(visit: Visit, d: Dossier, product: Product) -> list[str]:
    """How it is decided, in sentences."""
    _, contract = visit._, d.contract
    if contract.access != "shared":
        return []
    out = [
        {
            "manual": _("%(owner)s decides each request.", owner=d.owner),
            "threshold": _(
                "Small requests without recognisable persons are granted at once, within the limits of the plan; "
                "%(owner)s decides the others.",
                owner=d.owner,
            ),
            "automatic": _(
                "Requests without recognisable persons are granted at once; %(owner)s decides the others.",
                owner=d.owner,
            ),
        }[approval_rule(contract)]
    ]
    if contract.approvers[1] and personal(contract):
        out.append(_("When columns about persons are asked for, two people have to agree."))
    out.append(_("Nothing is granted by silence. Every reading is written down with its purpose."))
    if product.until is not None:
        out.append(_("It is given out until %(date)s.", date=visit.speech.date(product.until)))
    return out


def _plans(visit: Visit, contract: Contract) -> list[dict[str, str]]:
    say, by_hand = visit.speech, approval_rule(contract) == "manual"
    return [
        {
            "title": plan.title,
            "rate": say.number(plan.rate if plan.rate != int(plan.rate) else int(plan.rate)),
            "daily": say.number(plan.daily),
            "rows": say.number(plan.rows),
            "automatic": "–"
            if by_hand or not plan.per_consumer
            else say.many("%(n)s call a day", "%(n)s calls a day", plan.per_consumer),
        }
        for plan in plans(contract)
    ]


def _purposes(visit: Visit, contract: Contract) -> list[dict[str, str]]:
    """What the owner's contract names as purposes the data may be asked for (``arengoPurposes``)."""
    return [
        {
            "title": item.title(visit.language),
            "basis": ", ".join(basis_words(visit, term.code) for term in item.grounds("basis")),
        }
        for item in purposes(contract)
    ]


def _facts(visit: Visit, d: Dossier) -> list[tuple[str, str]]:
    _, contract = visit._, d.contract
    word = {"open": _("open"), "shared": _("shared"), "closed": _("closed")}[contract.access]
    facts = [(_("Owner"), d.owner), (_("Access"), word)]
    if contract.access == "shared":
        facts.append((_("Decided by"), _decided_by(visit, d)))
        usual = response.usual(visit.site.state, d.id)
        facts.append(
            (_("Usual time to an answer"), span_words(visit, usual) if usual is not None else _("no answer yet"))
        )
    persons = personal(contract)
    if contract.access != "closed":
        count = visit.speech.many("%(n)s column", "%(n)s columns", len(persons))
        facts.append((_("About persons"), count if persons else _("no")))
    facts.append((_("Rights of use (licence)"), d.licence or _("not stated")))
    return facts


def _decided_by(visit: Visit, d: Dossier) -> str:
    _ = visit._
    second = d.contract.approvers[1]
    if approval_rule(d.contract) != "manual":
        return _("a rule of %(owner)s, or a person there", owner=d.owner)
    if second:
        return _("one person of %(owner)s; two where persons are concerned", owner=d.owner)
    return _("a person of %(owner)s", owner=d.owner)
