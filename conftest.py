"""What every test of the project can use; the tests themselves lie in `src/**/tests` and `tests`."""

from __future__ import annotations

import importlib.util

pytest_plugins = ["tests.journey_plugin"]
if importlib.util.find_spec("tests.clause_plugin"):
    pytest_plugins.append("tests.clause_plugin")
