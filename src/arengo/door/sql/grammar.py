"""What a question in SQL may say: a closed list of forms and functions, judged on the engine's own parse tree.

The list of functions begins with that of quality rules (:mod:`arengo.contract.plainsql`). A rule is bound and run in
the publishing process, so it may not even be costly; a question runs in a child that the kernel limits, so it may:
joins without a condition, recursion, lists and texts of any length are stopped there. What stays closed here is
everything that looks past the tables: files, the environment, the engine's own catalogue and settings, chance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from arengo.contract.plainsql import FUNCTIONS as OF_RULES
from arengo.contract.plainsql import LENGTH
from arengo.door.sql.complaint import at, parse_failed
from arengo.errors import BadSql
from arengo.query.scope import nearest

_SYSTEM = re.compile(r"[A-Za-z]{2,12}:[0-9A-Za-z]{1,12}")
"""Authority and code, such as EPSG:4326."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_AGGREGATES = (
    "arbitrary countif argmax argmin weighted_avg wavg sem reservoir_quantile approx_top_k histogram_exact "
    "kurtosis_pop string_agg group_concat listagg list array_agg first last arg_max arg_min max_by min_by mode mad "
    "quantile "
    "histogram product entropy skewness kurtosis covar_pop covar_samp regr_slope regr_intercept regr_r2 "
    "regr_count regr_avgx regr_avgy bit_and bit_or bit_xor favg fsum kahan_sum geomean geometric_mean "
    ""
)
_TEXT = (
    "sha1 regexp_escape jaro_similarity mismatches editdist3 ord base64 formatreadablesize "
    "repeat lpad rpad split string_split split_part string_split_regex str_split regexp_replace "
    "regexp_extract_all regexp_split_to_array translate md5 sha256 hash levenshtein jaro_winkler_similarity "
    "jaccard damerau_levenshtein hamming printf format chr hex bin array_to_string string_to_array "
    "nfc_normalize bar format_bytes left_grapheme right_grapheme length_grapheme url_encode "
    "url_decode to_base64 from_base64 encode decode octet_length bit_length char_length character_length "
    "substring_grapheme lcase ucase"
)
_TIME = (
    "time_bucket century decade era millennium millisecond microsecond epoch_us epoch_ns julian to_timestamp "
    "timezone_hour current_date current_time current_timestamp get_current_timestamp get_current_time "
    "transaction_timestamp localtime localtimestamp to_quarters to_decades to_centuries to_millennia "
    "to_milliseconds to_microseconds normalized_interval isfinite "
    "date datesub datediff datepart datetrunc make_timestamp_ms generate_series"
)
_NUMBERS = (
    "to_base to_hex to_binary from_hex typeof round_even gamma lgamma asinh acosh atanh "
    "cbrt gcd greatest_common_divisor lcm least_common_multiple factorial bit_count pi asin acos cot sinh cosh "
    "tanh fdiv fmod nextafter xor signbit equi_width_bins"
)
_LISTS = (
    "struct_values struct_concat struct_insert map_concat map_contains map_from_entries list_where list_select "
    "aggregate apply filter reduce generate_subscripts list_contains list_indexof list_mode "
    "list_approx_count_distinct "
    "list_value struct_pack row map unnest range list_sort list_reverse_sort list_distinct list_unique list_sum "
    "list_avg list_min list_max list_count list_median list_first list_last list_concat list_cat array_concat "
    "list_has array_has list_has_any list_has_all array_has_any array_has_all list_extract list_element "
    "array_extract list_slice array_slice list_position array_position list_reverse array_reverse list_zip "
    "flatten list_transform array_transform list_apply array_apply list_filter array_filter list_reduce "
    "array_reduce list_any_value list_aggregate array_aggregate list_append list_prepend array_append "
    "array_prepend list_intersect list_resize struct_extract struct_keys map_keys map_values map_entries "
    "map_extract element_at cardinality array_value array_sort array_distinct"
)
_JSON = (
    "-> ->> json_extract json_extract_string json_extract_path json_extract_path_text json_array_length "
    "json_keys json_type json_valid json_exists json_contains json_value json_object json_array to_json "
    "json_group_array json_group_object json_structure row_to_json array_to_json json_quote json"
)
_WINDOWS = "nth_value fill"
_PLACES = (
    "st_astext st_asgeojson st_aswkb st_ashexwkb st_geomfromtext st_geomfromwkb st_geomfromhexwkb "
    "st_geomfromgeojson st_centroid st_buffer st_union st_union_agg st_intersection st_intersection_agg "
    "st_difference st_envelope st_envelope_agg st_convexhull st_simplify st_simplifypreservetopology "
    "st_pointonsurface st_extent st_extent_agg st_collect st_makeline st_makepolygon st_makevalid st_dump "
    "st_startpoint st_endpoint st_pointn st_exteriorring st_boundary st_flipcoordinates st_transform st_point2d "
    "st_linemerge st_multi st_numinteriorrings st_reverse st_normalize st_removerepeatedpoints "
    "st_reduceprecision st_azimuth st_shortestline st_lineinterpolatepoint st_linelocatepoint st_hilbert "
    "st_quadkey st_concavehull st_snap"
)
_OPERATORS = "~ !~ <-> && @> <@ ! !__postfix ~* !~* <=> ^"
FUNCTIONS = OF_RULES | frozenset(
    name
    for group in (_AGGREGATES, _TEXT, _TIME, _NUMBERS, _LISTS, _JSON, _WINDOWS, _PLACES, _OPERATORS)
    for name in group.split()
)
TABLE_FUNCTIONS = frozenset(("unnest", "generate_series", "range"))
_OF_THE_MOMENT = _words(
    "now today current_date current_time current_timestamp get_current_timestamp get_current_time "
    "transaction_timestamp localtime localtimestamp"
)
_EXPRESSIONS = _words(
    "CONSTANT COLUMN_REF FUNCTION COMPARISON CONJUNCTION BETWEEN CASE CAST SUBQUERY WINDOW STAR OPERATOR "
    "PARAMETER POSITIONAL_REFERENCE COLLATE LAMBDA LAMBDA_REF"
)
_OPERATIONS = _words(
    "OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL OPERATOR_COALESCE OPERATOR_NULLIF OPERATOR_TRY "
    "COMPARE_IN COMPARE_NOT_IN ARRAY_EXTRACT ARRAY_SLICE ARRAY_CONSTRUCTOR STRUCT_EXTRACT GROUPING_FUNCTION "
    "OPERATOR_UNPACK"
)
_FORMS = _words(
    "SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE BASE_TABLE SUBQUERY JOIN EXPRESSION_LIST EMPTY "
    "EMPTY_FROM TABLE_FUNCTION COLUMN_DATA ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER "
    "DISTINCT_MODIFIER ORDER_DEFAULT ASCENDING DESCENDING"
)
_TYPES = _words(
    "BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT FLOAT DOUBLE "
    "DECIMAL VARCHAR CHAR BLOB DATE TIME TIMESTAMP TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS INTERVAL UUID LIST "
    "ARRAY STRUCT MAP GEOMETRY JSON"
) | {"TIMESTAMP WITH TIME ZONE", "TIME WITH TIME ZONE"}
_NAMED_TYPES = frozenset(("json", "uuid", "geometry", "text", "string"))
_WORDS = {"SHOW_REF": "DESCRIBE, SHOW or SUMMARIZE", "PIVOT": "PIVOT or UNPIVOT", "DEFAULT": "DEFAULT"}
_INSTEAD = {
    "SHOW_REF": "The tables and their columns are at /api/v1/sql/tables.",
    "PIVOT": "Write count(*) FILTER (WHERE ...) for each column.",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the question names it, and where (bytes from the beginning)."""

    name: str
    position: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """A judged question.

    ``sql``: in DuckDB's words. ``tables``: each name once. ``parameters``: names, or numbers in order. ``canonical``:
    equal for texts that mean the same tree. ``of_the_moment``: it asks for the time, so its answer cannot be kept.
    """

    sql: str
    tables: tuple[Table, ...]
    parameters: tuple[str, ...]
    canonical: bytes
    of_the_moment: bool


def bounded(text: str) -> None:
    """Raises BadSql for a text that is not read at all."""
    if len(text) > LENGTH:
        raise BadSql(
            f"The question has {len(text):,} characters; {LENGTH:,} are the most.", todo="Write a shorter one."
        )
    if not text.strip():
        raise BadSql("There is no question.", todo="Write a SELECT.")
    if "\0" in text:
        raise BadSql("The question holds a NUL character.", todo="Leave it out.")


def judge(sql: str, tree: Mapping[str, Any]) -> Question:
    """The question of a parse tree. Raises BadSql for what it may not say."""
    if tree.get("error"):
        raise parse_failed(tree, sql)
    statements = tree.get("statements") or []
    if len(statements) != 1:
        raise BadSql(f"The text holds {len(statements)} statements; one is answered.", todo="Ask them one by one.")
    statement = statements[0]
    tables: dict[str, Table] = {}
    moment = False
    for node, known in _walk(statement.get("node")):
        met, todo = _form(node)
        if met:
            raise at(sql, _where(node), f"A question may not use {met}.", todo)
        if node.get("type") == "BASE_TABLE":
            name = str(node.get("table_name", ""))
            if node.get("schema_name") or node.get("catalog_name"):
                full = ".".join(
                    str(node[key]) for key in ("catalog_name", "schema_name", "table_name") if node.get(key)
                )
                raise at(sql, _where(node), f"There is no table {full!r}.", "Name a dataset by its id alone.")
            if name.lower() not in known:
                tables.setdefault(name.lower(), Table(name, _where(node)))
        moment = moment or _is_of_the_moment(node)
    parameters = tuple(sorted((str(item.get("key")) for item in statement.get("named_param_map") or []), key=_order))
    canonical = orjson.dumps(_plain(statement.get("node")), option=orjson.OPT_SORT_KEYS)
    named = tuple(sorted(tables.values(), key=lambda table: (table.position or 0, table.name)))
    return Question(sql, named, parameters, canonical, moment)


def group_key(question: Question) -> tuple[str, ...]:
    """Output columns that a question groups by, which make each of its rows another; () when it is not that plain."""
    node = orjson.loads(question.canonical)
    listed = node.get("select_list") or []
    groups = node.get("group_expressions") or []
    if node.get("type") != "SELECT_NODE" or len(node.get("group_sets") or ()) > 1:
        return ()
    if not groups and node.get("aggregate_handling") == "FORCE_AGGREGATES":
        groups = [item for item in listed if item.get("class") != "FUNCTION"]
    out = []
    for group in groups:
        if group.get("class") == "CONSTANT":
            at = (group.get("value") or {}).get("value")
            found = listed[at - 1] if isinstance(at, int) and 0 < at <= len(listed) else None
        else:
            found = next((item for item in listed if _same(item, group)), None)
        name = _called_in(found) if found is not None else ""
        if not name:
            return ()
        out.append(name)
    return tuple(out)


def _same(item: Mapping[str, Any], group: Mapping[str, Any]) -> bool:
    """Whether a group stands for an item of the list: by its new name, or because it is the same expression."""
    if group.get("class") == "COLUMN_REF":
        names = group.get("column_names") or [""]
        if len(names) == 1 and str(item.get("alias", "")).lower() == str(names[0]).lower():
            return True
    return {**item, "alias": ""} == {**group, "alias": ""}


def _called_in(item: Mapping[str, Any]) -> str:
    if item.get("alias"):
        return str(item["alias"])
    return str((item.get("column_names") or [""])[-1]) if item.get("class") == "COLUMN_REF" else ""


def _form(node: Mapping[str, Any]) -> tuple[str, str]:
    """What of this node is not on the list and what to do, two empty texts when it is."""
    kind, group = str(node.get("type", "")), node.get("class")
    if node.get("sample"):
        return "a sample, which gives other rows each time", "Take a condition, or ORDER BY hash(id) LIMIT 100."
    if node.get("at_clause"):
        return "AT", 'Write the version into the name: "street-trees@3" or "street-trees@2026-06-01".'
    if group is None:
        if kind == "TABLE_FUNCTION":
            name = str((node.get("function") or {}).get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS:
                return f"{name}()", "Tables are datasets, unnest(), generate_series() and range()."
            return "", ""
        return ("", "") if kind in _FORMS else (_called(kind), _INSTEAD.get(kind, ""))
    if group not in _EXPRESSIONS:
        return _called(str(group)), _INSTEAD.get(str(group), "")
    if group == "OPERATOR" and kind not in _OPERATIONS:
        return kind.lower().replace("operator_", "").replace("_", " "), ""
    if group in ("FUNCTION", "WINDOW"):
        name = str(node.get("function_name", "")).lower()
        if name not in FUNCTIONS:
            return f"{name}()", nearest(name, sorted(item for item in FUNCTIONS if item[:1].isalpha()))
        if name == "st_transform" and not all(_system(item) for item in (node.get("children") or [])[1:]):
            return "that reference system", "Write it as 'EPSG:3857', in quotes."
    if group == "CAST":
        wanted = _cast(node.get("cast_type"))
        if wanted:
            return f"the type {wanted}", "Types are those of columns, lists and structs of them, JSON and GEOMETRY."
    return "", ""


def _system(node: Any) -> bool:
    """A constant name of a reference system, or yes or no. PROJ opens files that longer definitions name."""
    if not isinstance(node, Mapping):
        return False
    if node.get("class") == "CAST":  # true and false are written so by the parser
        node = node.get("child") or {}
        return node.get("class") == "CONSTANT" and (node.get("value") or {}).get("value") in ("t", "f", True, False)
    value = (node.get("value") or {}).get("value") if node.get("class") == "CONSTANT" else None
    return isinstance(value, bool) or (isinstance(value, str) and _SYSTEM.fullmatch(value) is not None)


def _cast(wanted: Any, depth: int = 0) -> str:
    """A type that is not on the list, '' when all of it is."""
    if not isinstance(wanted, Mapping) or depth > 20:
        return "" if wanted is None else "nested too deep"
    kind = str(wanted.get("id", ""))
    info = wanted.get("type_info") or {}
    if info.get("user_type_modifiers") and "GEOMETRY" in str(info.get("user_type_name") or info.get("name")).upper():
        return "geometry of a reference system"
    if kind in ("UNBOUND", "USER"):
        name = str(info.get("name") or info.get("user_type_name") or "").lower()
        return "" if name in _NAMED_TYPES and not info.get("schema") and not info.get("catalog") else name or "unknown"
    if kind not in _TYPES:
        return kind.lower() or "unknown"
    inner = [info.get("child_type")] + [item.get("second") for item in info.get("child_types") or []]
    return next((met for met in (_cast(item, depth + 1) for item in inner if item) if met), "")


def _is_of_the_moment(node: Mapping[str, Any]) -> bool:
    if node.get("class") == "COLUMN_REF":
        names = node.get("column_names") or []
        return len(names) == 1 and str(names[0]).lower() in _OF_THE_MOMENT
    if node.get("class") == "FUNCTION":
        name = str(node.get("function_name", "")).lower()
        return name in _OF_THE_MOMENT or (name == "age" and len(node.get("children") or []) == 1)
    return False


def _walk(tree: Any) -> Iterator[tuple[Mapping[str, Any], frozenset[str]]]:
    """Every object of the tree with the WITH names that are known where it stands."""
    pending: list[tuple[Any, frozenset[str]]] = [(tree, frozenset())]
    while pending:
        node, known = pending.pop()
        if isinstance(node, list):
            pending.extend((item, known) for item in reversed(node))
            continue
        if not isinstance(node, dict):
            continue
        if "type" in node or "class" in node or "sample_size" in node:
            yield node, known
        if node.get("class") == "CONSTANT":
            continue
        inside = known
        for entry in (node.get("cte_map") or {}).get("map") or []:
            pending.append((entry.get("value"), inside))
            inside = inside | {str(entry.get("key", "")).lower()}
        if node.get("type") == "RECURSIVE_CTE_NODE":
            pending.append((node.get("left"), known))
            itself = known | {str(node.get("cte_name", "")).lower()}
            pending.extend((value, itself) for key, value in node.items() if key not in ("left", "cte_map"))
            continue
        pending.extend((value, inside) for key, value in node.items() if key not in ("cast_type", "cte_map"))


def _plain(tree: Any) -> Any:
    """The tree without the places in the text."""
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items() if key != "query_location"}
    if isinstance(tree, list):
        return [_plain(item) for item in tree]
    return tree


def _where(node: Mapping[str, Any]) -> int | None:
    found = node.get("query_location")
    return found if isinstance(found, int) and found < 1 << 31 else None


def _called(kind: str) -> str:
    return _WORDS.get(kind, kind.lower().replace("_", " "))


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() and len(name) < 6 else (0, name)
