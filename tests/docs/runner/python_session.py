"""A program that takes names of files with Python by its input, and runs each with the names of the ones before."""

import os
import sys
import traceback


def main() -> None:
    orders = os.fdopen(os.dup(0), encoding="utf-8")
    # A block that reads finds nothing, rather than the next block.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    names: dict[str, object] = {"__name__": "__main__"}
    for order in orders:
        path = order.rstrip("\n")
        status = 0
        try:
            with open(path, encoding="utf-8") as block:  # noqa: PTH123 - starts faster without pathlib
                exec(compile(block.read(), path, "exec"), names)
        except BaseException:  # noqa: BLE001 - a block may raise anything, and the session goes on
            traceback.print_exc()
            status = 1
        sys.stderr.flush()
        sys.stdout.write(f"\n{os.environ['END_OF_BLOCK']} {status}\n")
        sys.stdout.flush()


main()
