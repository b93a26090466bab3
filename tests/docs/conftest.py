"""Programs and servers of the whole-process tests serve here too. SOLEC_BUILD names the build."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
