#!/bin/sh
# Pins every dependency with hashes for all platforms; the file names no registry.
set -eu
command -v uv >/dev/null || { echo "lock needs uv: pip install uv" >&2; exit 1; }
uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
  --python-version 3.11 --group pyproject.toml:dev pyproject.toml requirements/build.in -o requirements/dev.txt
uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
  --python-version 3.11 pyproject.toml -o requirements/run.txt
uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
  --python-version 3.11 requirements/spark.in -o requirements/spark.txt
