"""The product's settings with the hook of the tests in front."""

from kangqiao.config.settings import *  # noqa: F403
from kangqiao.config.settings import MIDDLEWARE as OURS

MIDDLEWARE = ["tests.faults.hook.FaultMiddleware", *OURS]
