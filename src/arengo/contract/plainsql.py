"""What an SQL quality rule may say: a closed list of forms and functions, judged on the parse tree.

Nothing is bound or run before the judgement: binding alone folds constants, so that ``repeat('a', 2000000000)`` would
take its memory while a contract is only being linted. What is not named here is refused, however harmless it looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LENGTH = 20_000
"""Characters a query may have."""
GROWTH = 32.0
"""How much longer than a column's value (or than 100 characters) a text may become."""
NAMES = 12
"""Uses of the query's own names. Each use is bound anew, so a chain of them doubles the work with every link."""

_OPERATORS = "+ - * / // % ^ ** & | << >> @ || ~~ !~~ ~~* !~~* ~~~ ^@"
AGGREGATES = (
    "count count_star count_if sum avg mean min max median quantile_cont quantile_disc approx_count_distinct "
    "approx_quantile stddev stddev_pop stddev_samp variance var_pop var_samp bool_and bool_or any_value corr"
)
TEXT = (
    "lower upper trim ltrim rtrim length len strlen substr substring left right reverse replace concat concat_ws "
    "regexp_matches regexp_full_match regexp_extract like_escape not_like_escape ilike_escape not_ilike_escape "
    "strip_accents starts_with ends_with prefix suffix contains position instr strpos ascii unicode"
)
TIME = (
    "now today date_trunc date_part date_diff datediff date_sub date_add last_day age make_date make_time "
    "make_timestamp strftime strptime try_strptime epoch epoch_ms year quarter month day week isoyear yearweek "
    "dayofweek isodow dayofyear dayofmonth weekday weekofyear dayname monthname hour minute second to_years "
    "to_months to_weeks to_days to_hours to_minutes to_seconds timezone"
)
NUMBERS = (
    "abs round floor ceil ceiling trunc sign sqrt ln log log10 log2 exp pow power mod greatest least isnan isinf "
    "isfinite even radians degrees sin cos tan atan atan2 add subtract multiply divide"
)
TESTS = "nullif ifnull list_contains array_contains array_length"
WINDOWS = "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value first last"
PLACES = (
    "st_area st_area_spheroid st_perimeter st_length st_length_spheroid st_distance st_distance_sphere "
    "st_distance_spheroid st_dwithin st_within st_contains st_containsproperly st_covers st_coveredby st_intersects "
    "st_disjoint st_touches st_crosses st_overlaps st_equals st_isvalid st_isempty st_issimple st_isclosed st_isring "
    "st_x st_y st_xmin st_xmax st_ymin st_ymax st_npoints st_numpoints st_numgeometries st_geometrytype "
    "st_dimension st_point st_makeenvelope"
)
FUNCTIONS = frozenset(
    name for group in (_OPERATORS, AGGREGATES, TEXT, TIME, NUMBERS, TESTS, WINDOWS, PLACES) for name in group.split()
)
LISTED = "Use comparison, CASE, CAST and these functions: " + ", ".join(
    name for group in (AGGREGATES, TEXT, TIME, NUMBERS, TESTS) for name in group.split() if name != "count_star"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EXPRESSIONS: Mapping[str, frozenset[str] | None] = {
    "CONSTANT": None,
    "COLUMN_REF": None,
    "FUNCTION": None,
    "COMPARISON": None,
    "CONJUNCTION": None,
    "BETWEEN": None,
    "CASE": None,
    "CAST": None,
    "SUBQUERY": None,
    "WINDOW": None,
    "STAR": None,
    "OPERATOR": _words(
        "OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE OPERATOR_NULLIF OPERATOR_TRY "
        "COMPARE_IN COMPARE_NOT_IN ARRAY_EXTRACT"
    ),
}
_FORMS = _words(
    "SELECT_NODE SET_OPERATION_NODE CTE_NODE BASE_TABLE SUBQUERY JOIN EXPRESSION_LIST EMPTY EMPTY_FROM "
    "ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER ORDER_DEFAULT ASCENDING DESCENDING"
)
_TYPES = _words(
    "BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT DOUBLE "
    "DECIMAL VARCHAR DATE TIME TIMESTAMP TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS INTERVAL"
) | {"TIMESTAMP WITH TIME ZONE", "TIME WITH TIME ZONE"}
_WORDS = {"RECURSIVE_CTE_NODE": "WITH RECURSIVE", "SHOW_REF": "DESCRIBE, SHOW or SUMMARIZE", "LAMBDA": "a lambda"}
_PERIODS_GROW = 12.0  # strftime: '%c' is two characters and gives two dozen


def forbidden(tree: Any) -> tuple[str, str]:
    """What a parsed query (``json_serialize_sql``) says that a rule may not, and what to do; else two empty texts."""
    growth = 1.0
    own: list[str] = []
    used = 0
    for node in _nodes(tree):
        met = _form(node)
        if met:
            return f"The query uses {met}, which a rule may not.", f"{LISTED}; and st_ functions that measure or test."
        if node.get("type") == "JOIN" and not _conditioned(node):
            return (
                "The query joins without a condition, which pairs every row with every row.",
                "Write JOIN ... ON and what makes two rows belong together.",
            )
        if len(node.get("group_sets") or ()) > 1:
            return "The query groups by CUBE, ROLLUP or GROUPING SETS.", "Group by a list of columns."
        for entry in (node.get("cte_map") or {}).get("map", ()):
            own.append(str(entry.get("key", "")).lower())
        if node.get("type") == "SELECT_NODE":
            used += _reused(node)
            for part in (*node.get("select_list", ()), *(node.get(key) for key in ("where_clause", "having"))):
                growth *= max(1.0, _growth(part)) if part else 1.0
    used += sum(
        str(node.get("table_name", "")).lower() in own for node in _nodes(tree) if node.get("type") == "BASE_TABLE"
    )
    if used > NAMES:
        return (
            f"The query uses names that it makes itself (AS, WITH) {used} times.",
            f"Use them at most {NAMES} times, or write more than one rule.",
        )
    if growth > GROWTH:
        return (
            "The query can make texts many times longer than the column holds (||, concat, replace, strftime).",
            "Compare the columns themselves, or put fewer of them together.",
        )
    return "", ""


def _form(node: Mapping[str, Any]) -> str:
    """A form or function of one node that is not on the list, '' when it is."""
    kind = node.get("type")
    if not isinstance(kind, str) or kind.endswith("_TYPE_INFO"):
        return ""
    group = node.get("class")
    if group is None:
        if kind == "TABLE_FUNCTION":
            return f"{str((node.get('function') or {}).get('function_name', 'a table function')).lower()}()"
        return "" if kind in _FORMS else _WORDS.get(kind, kind.lower().replace("_", " "))
    if group not in _EXPRESSIONS:
        return _WORDS.get(str(group), str(group).lower().replace("_", " "))
    kinds = _EXPRESSIONS[group]
    if kinds is not None and kind not in kinds:
        return kind.lower().replace("operator_", "").replace("_", " ")
    if group in ("FUNCTION", "WINDOW"):
        name = str(node.get("function_name", "")).lower()
        if name not in FUNCTIONS:
            return f"{name}()"
    if group == "STAR" and (node.get("expr") or node.get("columns")):
        return "columns()"
    if group == "CAST":
        wanted = str((node.get("cast_type") or {}).get("id", ""))
        if wanted not in _TYPES:
            name = str(((node["cast_type"].get("type_info") or {}).get("name")) or wanted).lower()
            return f"a cast to {name}"
    return ""


def _conditioned(node: Mapping[str, Any]) -> bool:
    return node.get("ref_type") == "REGULAR" and bool(node.get("condition") or node.get("using_columns"))


def _reused(select: Mapping[str, Any]) -> int:
    """How often a SELECT uses a name that its own list gave before: ``n + n AS a, a + a AS b``."""
    aliases: set[str] = set()
    used = 0
    listed = select.get("select_list", ())
    for part in (*listed, *(value for key, value in select.items() if key not in ("select_list", "from_table"))):
        for node in _nodes(part):
            if node.get("class") == "COLUMN_REF" and node.get("column_names"):
                used += str(node["column_names"][-1]).lower() in aliases
        if isinstance(part, dict) and part.get("alias") and part.get("class") != "COLUMN_REF":
            aliases.add(str(part["alias"]).lower())
    return used


def _growth(node: Any) -> float:
    """How long a text the expression can give, in values of a column; a constant of 100 characters counts as one."""
    if isinstance(node, list):
        return max((_growth(item) for item in node), default=0.0)
    if not isinstance(node, dict):
        return 0.0
    group = node.get("class")
    if group == "CONSTANT":
        return len(_constant(node)) / 100
    if group == "COLUMN_REF":
        return 1.0
    children = node.get("children") or []
    if group == "FUNCTION":
        name = str(node.get("function_name", "")).lower()
        if name in ("||", "concat", "concat_ws"):
            separators = len(children) if name == "concat_ws" else 1
            return sum(_growth(item) * (separators if number == 0 else 1) for number, item in enumerate(children))
        if name == "replace" and len(children) == 3:
            held, old, new = children
            if new.get("class") != "CONSTANT":
                return GROWTH + 1
            times = len(_constant(new)) / max(1, len(_constant(old)) if old.get("class") == "CONSTANT" else 1)
            return _growth(held) * max(1.0, times)
        if name == "strftime":
            return _PERIODS_GROW * sum(_growth(item) for item in children)
    if node.get("type") == "SELECT_NODE":  # counted by itself
        return 1.0
    return max((_growth(value) for value in node.values()), default=0.0)


def _constant(node: Mapping[str, Any]) -> str:
    value = (node.get("value") or {}).get("value", "")
    return value if isinstance(value, str) else ""


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of the tree; what hangs on a logical type is no part of the query."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(reversed(node))
        elif isinstance(node, dict):
            yield node
            if node.get("class") != "CONSTANT":
                pending.extend(value for key, value in node.items() if key != "cast_type")
