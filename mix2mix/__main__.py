"""``python -m mix2mix`` is the command ``mix2mix``."""

import sys

from mix2mix.cli import main

sys.exit(main())
