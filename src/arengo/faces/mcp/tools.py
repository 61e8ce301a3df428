"""What an assistant can do, in one table."""

from __future__ import annotations

from arengo.faces.mcp import shapes
from arengo.faces.mcp.asking import column_values, dataset_changes, dataset_versions, query_dataset, run_sql
from arengo.faces.mcp.desk import Tool
from arengo.faces.mcp.finding import describe_dataset, list_datasets, search_datasets

TOOLS = (
    Tool(
        "search_datasets",
        "Find datasets",
        "Find datasets of the city by words, theme, organisation, place or time of change; the best first, with the "
        "names of their columns. Begin here unless you know the dataset's id.",
        shapes.Search,
        shapes.Found,
        search_datasets,
    ),
    Tool(
        "list_datasets",
        "List datasets",
        "All datasets whose rows the city holds, by id, page by page.",
        shapes.Listing,
        shapes.Listed,
        list_datasets,
    ),
    Tool(
        "describe_dataset",
        "Describe a dataset",
        "What a dataset means and what is in it: columns with kinds, units, frequent values and ranges, key, time "
        "column, period, place, licence, limitations, quality, downloads. Read it before you ask for rows.",
        shapes.Describe,
        shapes.Described,
        describe_dataset,
    ),
    Tool(
        "query_dataset",
        "Ask for rows or totals",
        "Rows of one dataset, filtered, sorted, as of any version; or totals by group. Prefer totals "
        "(group_by, aggregate) to adding up rows yourself: a page has at most 500 rows. 'matched' tells how many there "
        "are on all pages, 'next' is the cursor of the next one.",
        shapes.Ask,
        shapes.Rows,
        query_dataset,
    ),
    Tool(
        "column_values",
        "Values of a column",
        "The most frequent values of one column with their counts: what can be written into a filter.",
        shapes.Values,
        shapes.ValuesFound,
        column_values,
    ),
    Tool(
        "run_sql",
        "Ask in SQL",
        "One SELECT over any open datasets, for joins and what query_dataset cannot say. Read only, with limits on "
        "time, memory and rows.",
        shapes.Sql,
        shapes.Table,
        run_sql,
        slow=True,
    ),
    Tool(
        "dataset_versions",
        "Versions of a dataset",
        "The kept versions of a dataset, newest first; 'as_of' of the other tools takes their numbers.",
        shapes.Versions,
        shapes.VersionsFound,
        dataset_versions,
    ),
    Tool(
        "dataset_changes",
        "What changed",
        "How many rows were added, changed and removed between two versions, and the first of them.",
        shapes.Changes,
        shapes.Changed,
        dataset_changes,
    ),
)
