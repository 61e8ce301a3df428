#!/bin/sh
# A Python of its own with Sail and Spark Connect, for the test that Spark and DuckDB give the same. About 1 GB; the test
# says so when it is not there.
set -u
folder=${1:-.venv-spark}
mark=$folder/.stamp
[ -e "$mark" ] && [ "$mark" -nt requirements/spark.txt ] && exit 0
test -x "$folder/bin/python" || "${PYTHON:-python3}" -m venv "$folder" || exit 0
if "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/spark.txt; then
  touch "$mark"
else
  echo "Sail could not be installed; the test that compares it with DuckDB will say so." >&2
fi
exit 0
