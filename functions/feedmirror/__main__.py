"""`python -m feedmirror` is the command `feedmirror`."""

import sys

from feedmirror.entrypoints.cli import main

if __name__ == "__main__":
    sys.exit(main())
