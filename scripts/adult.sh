#!/bin/sh
# The Adult census data (Becker and Kohavi, UCI Machine Learning Repository, CC BY 4.0, 4 MB), for the tests that compare
# the search with ARX's published optima. The tests say so when it is not there.
set -u
folder=${1:-tests/privacy/adult/data}
source=https://archive.ics.uci.edu/static/public/2/adult.zip
[ -s "$folder/adult.data" ] && exit 0
[ -s "$folder/adult.csv" ] && exit 0
command -v curl >/dev/null 2>&1 || { echo "The Adult data needs curl; the tests that use it will say so." >&2; exit 0; }
part=$folder/.part
mkdir -p "$part"
if curl --fail --silent --location --connect-timeout 10 --max-time 120 --output "$part/adult.zip" "$source" &&
  "${PYTHON:-python3}" -m zipfile -e "$part/adult.zip" "$part" &&
  [ "$(grep -c ',' "$part/adult.data")" = 32561 ] && [ "$(grep ',' "$part/adult.data" | grep -vc '?')" = 30162 ]; then
  mv "$part/adult.data" "$folder/adult.data"
else
  echo "The Adult data could not be had; the tests that use it will say so." >&2
fi
rm -rf "$part"
exit 0
