"""Draws Vega-Lite charts, one JSON line in and one JSON line out, in a process of its own.

The V8 engine inside vl-convert keeps 80 to 120 MB once it has drawn; the web server starts this file when a chart
is missing from the disk and lets it end when there is nothing to draw. It reads no file and opens no connection.
"""

import json
import sys


def main() -> None:
    import vl_convert

    for line in sys.stdin:
        task = json.loads(line)
        try:
            drawn = vl_convert.vegalite_to_svg(
                task["spec"],
                vl_version="5.20",
                allowed_base_urls=[],
                format_locale=task["numbers"],
                time_format_locale=task["times"],
            )
            answer = {"svg": drawn}
        except Exception as error:
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
