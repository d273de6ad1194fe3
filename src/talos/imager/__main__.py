"""`python -m talos.imager`."""

import sys

from talos.imager.main import main

sys.exit(main())
