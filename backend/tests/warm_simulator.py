"""What every simulator of the tests is forked from: the program imported and Shopify's schema built, nothing started.

It imports nothing else: each simulator would.
"""

import os
import sys
from multiprocessing.connection import Connection

from simulator import schema
from simulator.__main__ import main

schema.load()


def serve(arguments: list[str], says: Connection) -> None:
    """Be `python -m simulator`, with the pipe as standard output."""
    os.dup2(says.fileno(), sys.stdout.fileno())
    says.close()
    sys.exit(main(arguments))
