"""Asking for an agreement: what the people of the reading organisation do."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from arengo.contract.load import sha
from arengo.contract.model import Contract
from arengo.errors import BadForm, Conflict, NotAllowed
from arengo.governance import dossier
from arengo.governance.agreement import Agreement, Terms
from arengo.governance.approval import (
    by_rule,
    checked,
    columns_of,
    levels,
    member,
)
from arengo.governance.caller import Caller
from arengo.governance.owner import owner_of
from arengo.governance.plan import plan_of, plans
from arengo.governance.product import lock
from arengo.governance.purpose import gaps, personal_columns, special_columns, stated
from arengo.governance.step import THE_RULE, Steps, why_of

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


class Requests(Steps):
    """The consumer's side."""

    def draft(
        self, dataset: str, *, by: Caller, organisation: str, application: str = "", purpose: str, terms: Terms,
        follows: str = "",
    ) -> Agreement:  # fmt: skip
        """Write a request down without sending it. Raises UnknownDataset besides."""
        contract = self._contract(dataset)
        self._asks(by, organisation, application)
        self.purposes.get(purpose, by)
        before = self._followable(follows, by) if follows else None
        if before is not None and (before.dataset, before.organisation, before.application) != (
            dataset, organisation, application,
        ):  # fmt: skip
            raise BadForm("The request follows an agreement of somebody else or about something else.",
                          todo="Start from the agreement itself.")  # fmt: skip
        asked, now = self._checked(contract, terms), self.now()
        made = Agreement(
            _new(), dataset, contract.version, sha(contract), owner_of(contract), organisation, application, purpose,
            asked.plan, asked.columns, asked.rows, asked.masks, asked.obligations, asked.volume, asked.valid_from,
            asked.valid_to, created_at=now, updated_at=now, asked=asked, follows=follows, drafted_by=by.party,
        )  # fmt: skip
        with self.state.write() as connection:
            dossier.add(connection, made)
            dossier.stamp(
                connection, made.id, before="", after="draft", action="draft", at=now, actor=by.party,
                organisation=organisation, body={"asked": asked.as_json(), "follows": follows, "purpose": purpose},
            )  # fmt: skip
            self.state.bump(connection)
        self.record()
        return self.get(made.id)

    def edit(
        self, id: str, *, by: Caller, terms: Terms, purpose: str = "", why: str = "", seen: int | None = None
    ) -> Agreement:
        """Change a request before it is sent."""
        item = self._open(id, by, seen)
        self._may(item, "edit", by)
        contract = self._contract(item.dataset)
        asked = self._checked(contract, terms)
        chosen = self.purposes.get(purpose or item.purpose, by).id
        values: dict[str, Any] = {"asked": asked.as_json(), "purpose": chosen, "contract_version": contract.version,
                  "contract_sha": sha(contract), "owner": owner_of(contract), "plan": asked.plan,
                  "volume": asked.volume, "valid_from": asked.valid_from, "valid_to": asked.valid_to}  # fmt: skip
        with self._step() as connection:
            dossier.move(
                connection, item, "draft", action="edit", at=self.now(), actor=by.party, why=why_of(why),
                organisation=item.organisation, body={"asked": asked.as_json(), "purpose": chosen}, **values,
            )  # fmt: skip
        return self._after(id)

    def submit(self, id: str, *, by: Caller, why: str = "", seen: int | None = None) -> Agreement:
        """Send a request. It is granted at once when the owner's rule says so, otherwise it waits."""
        item = self._open(id, by, seen)
        self._may(item, "submit", by)
        self._asks(by, item.organisation, item.application)
        contract = self._contract(item.dataset)
        offered = self.products.of(contract, self.now())
        if contract.access != "shared":
            raise Conflict(
                "Everybody may read this dataset." if contract.access == "open" else "This dataset is not given out.",
                todo="No agreement is needed." if contract.access == "open" else "Ask its owner what it gives instead.",
            )
        if not (offered.renewable if item.follows else offered.requestable):
            raise Conflict(f"The dataset is {offered.state}, so it cannot be asked for.", todo="Ask its owner.")
        assert item.asked is not None
        asked = self._checked(contract, item.asked)
        now = self.now()
        if asked.valid_to <= now:
            raise BadForm("The term that is asked for is over.", todo="Choose a later end.")
        purpose = self.purposes.get(item.purpose)
        looked_at = self._looked_at(contract, asked.columns, asked.rows)
        about_people = bool(personal_columns(contract, looked_at))
        sensitive = bool(special_columns(contract, looked_at))
        if missing := gaps(purpose, about_people=about_people, sensitive=sensitive):
            raise BadForm(missing[0][1], todo="Complete the purpose, then send the request.")
        needed = levels(contract, replace(item, columns=looked_at), purpose.personal)
        values: dict[str, Any] = {"requested_by": by.party, "requested_at": now, "contract_version": contract.version,
                  "contract_sha": sha(contract), "owner": owner_of(contract)}  # fmt: skip
        with self._step() as connection:
            lock(connection, item.dataset, now)
            if other := dossier.rival(connection, item):
                raise Conflict(f"There is an agreement or a request for this purpose already: {other}.",
                               todo="Ask for a change of that one.")  # fmt: skip
            dossier.unapprove(connection, id)
            dossier.move(
                connection, item, "pending", action="submit", at=now, actor=by.party, why=why_of(why),
                organisation=item.organisation, body={"asked": asked.as_json()}, asked=asked.as_json(), void=True,
                plan=asked.plan, volume=asked.volume, valid_from=asked.valid_from, valid_to=asked.valid_to, **values,
            )  # fmt: skip
            consumer, everybody = dossier.volumes(connection, item.dataset, asked.plan, item.organisation, item.follows)
            granted, reason = by_rule(
                contract, asked, compared=tuple(self._rows(contract, asked.rows)) if asked.rows else (),
                approvals=len(needed), consumer=consumer, everybody=everybody,
                fits=not about_people or stated(contract, purpose),
                refused=dossier.refused(connection, item.dataset, item.organisation)
                or dossier.held_back(connection, item.dataset, item.organisation),
            )  # fmt: skip
            if granted:
                sent = dossier.one(connection, id)
                assert sent is not None
                self._activate(connection, sent, asked, action="grant", actor=THE_RULE, why=reason)
        return self._after(id)

    def withdraw(self, id: str, *, by: Caller, why: str = "", seen: int | None = None) -> Agreement:
        """Take a request back, to change it."""
        return self._plain(id, "withdraw", "draft", by, why, seen, void=True)

    def discard(self, id: str, *, by: Caller, why: str = "", seen: int | None = None) -> Agreement:
        """Give a request up that was not sent."""
        return self._plain(id, "discard", "revoked", by, why, seen)

    def renew(self, id: str, *, by: Caller, until: datetime, why: str = "") -> Agreement:
        """Ask for the same for longer: a request that follows this agreement, and replaces it when it is granted.

        It is sent at once; the old one goes on meanwhile. An expired one can be renewed too.
        """
        item = self._followable(id, by)
        now = self.now()
        asked = replace(item.terms, valid_from=now, valid_to=until)
        return self._follow(item, by, asked, item.purpose, why)

    def change(self, id: str, *, by: Caller, terms: Terms, purpose: str = "", why: str = "") -> Agreement:
        """Ask for something else (columns, volume, another purpose): as :meth:`renew`."""
        item = self._followable(id, by)
        return self._follow(item, by, terms, purpose or item.purpose, why)

    def upgrade(self, id: str, *, by: Caller, why: str = "") -> Agreement:
        """Ask for the same under the contract in force: as :meth:`renew`. Columns follow their new names; those that
        are gone are left out. Raises Conflict when it is under the contract in force already."""
        from arengo.contract.breaking import match

        item = self._followable(id, by)
        contract, old = self._contract(item.dataset), self.agreed(item)
        if sha(contract) == item.contract_sha:
            raise Conflict("The agreement is about the contract in force already.")
        pairs = {before: column.name for before, column in match(old, contract)[0].items()} if old else {}
        known = columns_of(contract)
        names = {name: pairs.get(name, name) for name in item.columns}
        columns = tuple(new for new in names.values() if new in known)
        masks = tuple((names.get(name, name), mask) for name, mask in item.masks if names.get(name, name) in columns)
        now = self.now()
        plan = item.plan if any(plan.id == item.plan for plan in plans(contract)) else ""
        asked = replace(item.terms, columns=columns, masks=masks, plan=plan, valid_from=now,
                        volume=min(item.volume, plan_of(contract, plan).daily))  # fmt: skip
        return self._follow(item, by, asked, item.purpose, why)

    def _asks(self, by: Caller, organisation: str, application: str) -> None:
        """Whether ``by`` may ask for this organisation and application. Raises NotAllowed."""
        if not member(by, organisation):
            raise NotAllowed(
                "You can ask for your own organisation only." if organisation else "Nobody is named who will read.",
                todo="Choose the organisation you belong to.",
            )
        if application and self._application(application) != organisation:
            raise NotAllowed(
                "There is no such application of this organisation.", todo="Register the application first."
            )

    def _checked(self, contract: Contract, terms: Terms) -> Terms:
        return checked(contract, terms, longest=timedelta(days=self.settings.longest_days), rows=self._rows)

    def _followable(self, id: str, by: Caller) -> Agreement:
        item = self.get(id, by)
        if not member(by, item.organisation):
            raise NotAllowed(f"Only people of {item.organisation} may ask for this.", todo="Ask one of them.")
        if item.state not in ("active", "suspended", "expired"):
            raise Conflict(f"The agreement is {item.state}; nothing follows it.", todo="Write a new request.")
        open_ones = [other.id for other in self.followed_by(id) if other.state in ("draft", "pending")]
        if open_ones:
            raise Conflict(f"{open_ones[0]} follows it already.", todo="Look at that one.")
        return item

    def _follow(self, item: Agreement, by: Caller, asked: Terms, purpose: str, why: str) -> Agreement:
        """A request that follows an agreement, sent at once; it stays a draft when it cannot be sent."""
        made = self.draft(
            item.dataset, by=by, organisation=item.organisation, application=item.application, purpose=purpose,
            terms=asked, follows=item.id,
        )  # fmt: skip
        return self.submit(made.id, by=by, why=why)


def _new() -> str:
    return "a-" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
