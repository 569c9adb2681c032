"""`python -m storecast` is the command line."""

import sys

from storecast.entrypoints.cli import main

sys.exit(main())
