"""``python -m surrogate_nas`` is ``surrogate-nas``."""

import sys

from surrogate_nas.cli import main

sys.exit(main())
