"""How a template becomes a page: where templates lie, their words in the reader's language, their common mark."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from arengo import __version__
from arengo.portal.language import LANGUAGES, Speech

HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def stamp() -> str:
    """Changes whenever a template, style sheet, script or translation does; part of every page's tag."""
    found = hashlib.blake2b(__version__.encode(), digest_size=5)
    for folder, marks in (("templates", "*.html"), ("static", "*.css"), ("static", "*.js"), ("translations", "*.po")):
        for path in sorted((HERE / folder).glob(marks)):
            found.update(path.read_bytes())
    return found.hexdigest()


class Pages(Environment):
    """Templates, in which an attribute that is there and fails says why; jinja takes it for one that is not there."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        try:
            return getattr(obj, attribute)
        except AttributeError as error:
            if error.name != attribute or error.obj is not obj:  # raised further in, by what the attribute asks
                raise
        return super().getattr(obj, attribute)


@lru_cache(maxsize=1)
def environment() -> Environment:
    made = Pages(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {"gettext": _said, "stamp": stamp, "languages": LANGUAGES, "many": _many}
    return made


def render(template: str, values: Mapping[str, Any]) -> str:
    return environment().get_template(template).render(values)


@pass_context
def _gettext(context: Context, message: str) -> str:
    speech: Speech = context["s"]
    return speech.words.gettext(message)


@pass_context
def _ngettext(context: Context, one: str, several: str, n: int) -> str:
    speech: Speech = context["s"]
    return speech.words.ngettext(one, several, n)


@pass_context
def _said(context: Context, message: str, **values: Any) -> str:
    """A sentence of a template: markup, whose values are escaped and stand apart."""
    speech: Speech = context["s"]
    said = speech.words.gettext(message)
    made = Markup(said) if context.eval_ctx.autoescape else said  # noqa: S704 - our own words
    return made % speech.apart(values)


@pass_context
def _many(context: Context, one: str, several: str, n: int, **values: Any) -> str:
    speech: Speech = context["s"]
    return speech.many(one, several, n, **values)
