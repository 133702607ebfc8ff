"""`python -m coursegrader.sandbox LEVEL`: enter the level in a child; the exit status says whether it worked."""

import sys

from coursegrader.sandbox.levels import probe

probe(sys.argv[1])
