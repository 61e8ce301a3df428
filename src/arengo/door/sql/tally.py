"""Questions in SQL over a dataset whose statistics alone are open: the closed form that asks for groups.

One SELECT of one table: columns and count, sum, avg; WHERE of comparisons with values; GROUP BY columns; ORDER BY,
LIMIT and OFFSET. It is read off the engine's tree and answered as the same query of the rows API, so that there is one
place where groups are protected; the text itself is never run. Whatever else a SELECT can say is refused, since any
expression over single rows (a window, a subquery, a list of values) tells of single persons.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from arengo.door.sql.answer import SqlAnswer, SqlColumn, _kind
from arengo.door.sql.grammar import Question
from arengo.door.sql.tables import Read
from arengo.door.tally import refuse_rows
from arengo.errors import BadSql, NotAllowed
from arengo.query.model import Aggregate, Expr, Group, Order, Query

if TYPE_CHECKING:
    from arengo.door.answer import Answer
    from arengo.door.view import View

_COMPARE = {"COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "<>", "COMPARE_LESSTHAN": "<", "COMPARE_GREATERTHAN": ">",
            "COMPARE_LESSTHANOREQUALTO": "<=", "COMPARE_GREATERTHANOREQUALTO": ">="}  # fmt: skip
_TURNED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_FIGURES = {"count_star": "count", "count": "count", "sum": "sum", "avg": "avg", "mean": "avg"}


@dataclass(frozen=True, slots=True)
class Asked:
    """``names``: what each column of the answer is called, with its place in the query's own answer."""

    query: Query
    names: tuple[tuple[str, int], ...]
    limit: int | None
    offset: int


def read(question: Question, reads: Sequence[Read], params: Any) -> Asked:
    """The question as a query. Raises NotAllowed for whatever is none, BadSql for a value that is none."""
    if len(reads) != 1:
        raise NotAllowed(
            "A dataset whose statistics alone are open is asked by itself, not beside others.",
            todo="Ask one dataset in one question.",
        )
    return _Reading(reads[0].view, params).query(orjson.loads(question.canonical))


class _Reading:
    def __init__(self, view: View, params: Any) -> None:
        self._view = view
        self._params = params
        self._columns = {name.lower(): name for name in view.scope.fields}
        self._called: frozenset[str] = frozenset()

    def query(self, node: Mapping[str, Any]) -> Asked:
        table = node.get("from_table") or {}
        plain = (
            node.get("type") == "SELECT_NODE"
            and table.get("type") == "BASE_TABLE"
            and not table.get("column_name_alias")
            and not (node.get("cte_map") or {}).get("map")
            and not any(node.get(part) for part in ("having", "qualify", "sample"))
            and len(node.get("group_sets") or ()) < 2
        )
        if not plain:
            raise self._refuse("more than one SELECT of groups")
        self._called = frozenset(str(table.get(part) or "").lower() for part in ("alias", "table_name"))
        listed = node.get("select_list") or []
        items = [self._item(item) for item in listed]
        groups = list(dict.fromkeys(item for item in items if isinstance(item, Group)))
        figures = list(dict.fromkeys(item for item in items if isinstance(item, Aggregate)))
        self._check_groups(node, listed, items, groups)
        if not figures and not node.get("group_expressions"):
            raise refuse_rows(self._view.dataset)
        places: list[Group | Aggregate] = [*groups, *(figures or [Aggregate("count")])]
        names = tuple((_name(told, item), places.index(item)) for told, item in zip(listed, items, strict=True))
        order, limit, offset = self._modifiers(node, listed, items)
        where = node.get("where_clause")
        query = Query(
            self._view.dataset,
            filter=None if where is None else self._condition(where),
            group_by=tuple(groups),
            aggregates=tuple(figures) or (Aggregate("count"),),
            order_by=order,
            limit=None,
            as_of=str(self._view.version.number),
        )
        return Asked(query, names, limit, offset)

    def _check_groups(
        self, node: Mapping[str, Any], listed: Sequence[Any], items: Sequence[Any], groups: Sequence[Group]
    ) -> None:
        if node.get("aggregate_handling") == "FORCE_AGGREGATES":  # GROUP BY ALL
            return
        told = set()
        for item in node.get("group_expressions") or []:
            found = self._chosen(item, listed, items)
            told.add(found if found is not None else self._item(item))
        if told != set(groups):
            raise self._refuse("a group that is not among the columns, or a column that is no group")

    def _modifiers(
        self, node: Mapping[str, Any], listed: Sequence[Any], items: Sequence[Any]
    ) -> tuple[tuple[Order, ...], int | None, int]:
        order: list[Order] = []
        limit, offset = None, 0
        for item in node.get("modifiers") or []:
            if item.get("type") == "ORDER_MODIFIER":
                for term in item.get("orders") or []:
                    found = self._chosen(term.get("expression") or {}, listed, items)
                    found = found if found is not None else self._item(term.get("expression") or {})
                    order.append(Order(found.name, term.get("type") == "DESCENDING"))
            elif item.get("type") == "LIMIT_MODIFIER":
                limit = self._number(item.get("limit"))
                offset = self._number(item.get("offset")) or 0
            else:
                raise self._refuse("DISTINCT")
        return tuple(order), limit, offset

    def _number(self, node: Any) -> int | None:
        if not node:
            return None
        value = self._value(node)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BadSql("LIMIT and OFFSET are whole numbers, 0 or more.")
        return value

    def _chosen(self, node: Mapping[str, Any], listed: Sequence[Any], items: Sequence[Any]) -> Any:
        """The item of the list that is meant by its place or its new name."""
        if node.get("class") == "CONSTANT":
            at = (node.get("value") or {}).get("value")
            if isinstance(at, int) and 0 < at <= len(items):
                return items[at - 1]
        names = node.get("column_names") or []
        if node.get("class") == "COLUMN_REF" and len(names) == 1:
            for told, item in zip(listed, items, strict=True):
                if str(told.get("alias") or "").lower() == str(names[0]).lower():
                    return item
        return None

    def _item(self, node: Mapping[str, Any]) -> Group | Aggregate:
        if node.get("class") == "COLUMN_REF":
            return Group(self._column(node))
        name = str(node.get("function_name", "")).lower()
        orders = (node.get("order_bys") or {}).get("orders")
        if (
            node.get("class") != "FUNCTION"
            or name not in _FIGURES
            or node.get("filter")
            or node.get("distinct")
            or orders
        ):
            raise self._refuse("anything but columns and count, sum and avg of a column")
        children = node.get("children") or []
        if name == "count_star" or (name == "count" and not children):
            return Aggregate("count")
        if len(children) != 1 or children[0].get("class") != "COLUMN_REF":
            raise self._refuse("a figure of anything but a column")
        return Aggregate(_FIGURES[name], self._column(children[0]))

    def _column(self, node: Mapping[str, Any]) -> str:
        names = [str(name) for name in node.get("column_names") or []]
        if len(names) == 2 and names[0].lower() in self._called:
            names = names[1:]
        if len(names) != 1:
            raise self._refuse("parts of a column")
        return self._columns.get(names[0].lower()) or self._view.scope.field(names[0]).name

    def _condition(self, node: Mapping[str, Any]) -> Expr:
        kind, group = str(node.get("type", "")), node.get("class")
        children = node.get("children") or []
        if group == "CONJUNCTION":
            return {"op": "and" if kind.endswith("AND") else "or", "args": [self._condition(item) for item in children]}
        if group == "OPERATOR" and kind == "OPERATOR_NOT":
            return {"op": "not", "args": [self._condition(children[0])]}
        if group == "OPERATOR" and kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            made: Expr = {"op": "isNull", "args": [self._property(children[0])]}
            return made if kind == "OPERATOR_IS_NULL" else {"op": "not", "args": [made]}
        if group == "OPERATOR" and kind in ("COMPARE_IN", "COMPARE_NOT_IN"):
            listed: Expr = {"op": "in", "args": [self._property(children[0]), [self._value(n) for n in children[1:]]]}
            return listed if kind == "COMPARE_IN" else {"op": "not", "args": [listed]}
        if group == "BETWEEN":
            ends = [self._value(node.get("lower") or {}), self._value(node.get("upper") or {})]
            return {"op": "between", "args": [self._property(node.get("input") or {}), *ends]}
        if group == "COMPARISON" and kind in _COMPARE:
            one, other, sign = node.get("left") or {}, node.get("right") or {}, _COMPARE[kind]
            if one.get("class") != "COLUMN_REF":
                one, other, sign = other, one, _TURNED[sign]
            return {"op": sign, "args": [self._property(one), self._value(other)]}
        raise self._refuse("conditions other than comparisons of a column with values")

    def _property(self, node: Mapping[str, Any]) -> dict[str, Any]:
        if node.get("class") != "COLUMN_REF":
            raise self._refuse("conditions other than comparisons of a column with values")
        return {"property": self._column(node)}

    def _value(self, node: Mapping[str, Any]) -> Any:
        if node.get("class") == "PARAMETER":
            name = str(node.get("identifier"))
            return self._params[name] if isinstance(self._params, Mapping) else self._params[int(name) - 1]
        if node.get("class") == "CAST":
            value = self._value(node.get("child") or {})
            wanted = str((node.get("cast_type") or {}).get("id", ""))
            if wanted == "BOOLEAN" and value in ("t", "f", "true", "false"):
                return value in ("t", "true")
            if wanted == "DATE" and isinstance(value, str):
                return {"date": value}
            if wanted.startswith("TIMESTAMP") and isinstance(value, str):
                return {"timestamp": value.replace(" ", "T") + ("" if value.endswith("Z") else "Z")}
            raise self._refuse("that cast of a value")
        if (
            node.get("class") == "FUNCTION"
            and node.get("function_name") == "-"
            and len(node.get("children") or ()) == 1
        ):
            value = self._value(node["children"][0])
            if isinstance(value, int | float):
                return -value
        held = node.get("value") or {}
        value = held.get("value")
        kind = held.get("type") or {}
        if node.get("class") != "CONSTANT" or held.get("is_null") or not isinstance(value, bool | int | float | str):
            raise self._refuse("conditions other than comparisons of a column with values")
        if kind.get("id") == "DECIMAL" and isinstance(value, int):
            return float(value) / 10 ** int((kind.get("type_info") or {}).get("scale", 0))
        return value

    def _refuse(self, what: str) -> NotAllowed:
        return NotAllowed(
            f"Of {self._view.dataset} only statistics are open, and a question about them may not use {what}.",
            todo="Write SELECT columns, count(*), sum(x), avg(x) FROM dataset WHERE column = value GROUP BY columns.",
        )


def _name(told: Mapping[str, Any], item: Group | Aggregate) -> str:
    if told.get("alias"):
        return str(told["alias"])
    if isinstance(item, Group):
        return item.column
    return f"{item.function}({item.column})" if item.column else "count_star()"


class TallySqlAnswer(SqlAnswer):
    """The rows of the same question asked of the rows API."""

    asked: Asked
    answer: Answer

    def _answer(self, form: str) -> None:
        import pyarrow as pa

        self._go_on()
        asked = self.asked
        batches = list(self.answer.batches())
        names: list[str] = []
        for name, _ in asked.names:
            number, called = 2, name
            while called.lower() in map(str.lower, names):
                called, number = f"{name}_{number}", number + 1
            names.append(called)
        columns = [pa.chunked_array([batch.column(at) for batch in batches]) if batches else pa.array([], pa.string())
                   for _, at in asked.names]  # fmt: skip
        table = pa.Table.from_arrays(columns, names=names)
        table = table.slice(asked.offset, asked.limit)
        more = table.num_rows > self.limit
        table = table.slice(0, self.limit)
        held = self._sandbox._spool()
        with pa.ipc.new_stream(held, table.schema) as out:
            out.write_table(table)
        held.seek(0)
        weakref.finalize(self, held.close)
        self._held, self._form = held, form
        self._said = {"rows": table.num_rows, "truncated": more}
        self._columns = tuple(
            SqlColumn(field.name, _kind(field.type, _word(field.type)), _word(field.type)) for field in table.schema
        )


def _word(kind: Any) -> str:
    """The engine's word for a type of a group or figure."""
    import pyarrow.types as types

    words = {
        types.is_boolean: "BOOLEAN",
        types.is_integer: "BIGINT",
        types.is_floating: "DOUBLE",
        types.is_date: "DATE",
        types.is_time: "TIME",
        types.is_timestamp: "TIMESTAMP",
    }
    return next((word for found, word in words.items() if found(kind)), "VARCHAR")
