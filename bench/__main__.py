"""`python -m bench` is `python bench/refresh.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from refresh import main

if __name__ == "__main__":
    sys.exit(main())
