"""Draws Vega-Lite charts, one JSON line in and one JSON line out, in a process of its own.

The V8 engine inside vl-convert keeps 80 to 120 MB once it has drawn; the web server starts this file when a chart
is missing from the disk and lets it end when there is nothing to draw. It reads no file but typefaces and opens no
connection; what it may hold in memory is bounded, so a drawing that is too much ends it and not the server.
"""

import base64
import contextlib
import json
import resource
import sys
from pathlib import Path

MEMORY = 1_500_000_000  # bytes of data; drawing needs about 150 MB
FONTS = Path(__file__).with_name("static") / "vendor" / "drawing"


def main() -> None:
    with contextlib.suppress(ValueError, OSError):  # a system may forbid to lower it
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    import vl_convert

    if FONTS.is_dir():
        vl_convert.register_font_directory(str(FONTS))
    for folder in sys.argv[1:]:
        vl_convert.register_font_directory(folder)
    for line in sys.stdin:
        task = json.loads(line)
        try:
            if "svg" in task:
                image = vl_convert.svg_to_png(task["svg"], scale=task["scale"])
                answer = {"png": base64.b64encode(image).decode()}
            else:
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
