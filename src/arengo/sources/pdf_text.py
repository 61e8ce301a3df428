"""The process that opens PDF files: it reads a path a line, and writes JSON lines (about, pages..., end or error).

PDFium is not made for threads, and a hostile file may crash it; apart from everything else neither matters. This file
imports nothing of Arengo, so the process starts in a tenth of a second. It may use so much memory and time, not more.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

MEMORY = 2 << 30
MAX_PAGE = 400_000


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import pypdfium2

    for line in sys.stdin:
        try:
            document = pypdfium2.PdfDocument(json.loads(line))
            about = document.get_metadata_dict()
            say({"count": len(document), "title": about.get("Title", ""), "created": about.get("CreationDate", "")})
            for number in range(len(document)):
                page = document[number]
                words = page.get_textpage()
                say({"page": words.get_text_range(0, min(words.count_chars(), MAX_PAGE))})
                words.close()
                page.close()
            document.close()
            say({"end": True})
        except Exception as error:
            say({"error": str(error) or type(error).__name__})


def say(body: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
