"""A process that appends until it is killed or done: ``python append_forever.py CITY NAME COUNT THREADS``.

Prints 'NAME-i NUMBER' for each entry once it was acknowledged.
"""

import os
import sys
import threading
from pathlib import Path

from arengo.ledger import Ledger
from arengo.settings import load
from arengo.state import open_state


def main() -> None:
    root, name, count, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    settings = load(root)
    ledger = Ledger(settings, open_state(settings.state_url))

    def work(part: int) -> None:
        for i in range(count):
            word = f"{name}-{part}-{i}"
            number = ledger.tell(
                "read", actor=name, dataset="trees", body={"request": word}, subjects=["somebody", word]
            )
            os.write(1, f"{word} {number}\n".encode())

    workers = [threading.Thread(target=work, args=(part,)) for part in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ledger.close()


if __name__ == "__main__":
    main()
