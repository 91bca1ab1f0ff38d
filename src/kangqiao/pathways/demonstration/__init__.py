"""The demonstration regions: true networks where a paper names them, and only invented people in them.

`load_region` builds a region step by step. A step is one transaction and leaves its mark in it, so a second call does
nothing and an interrupted one goes on where it stopped. Everything carries `is_demo`, and pages show it as 演示.
"""

from kangqiao.pathways.demonstration.load import STEPS, Loaded, Step, accounts, load_region, second_process, warm_up
from kangqiao.pathways.demonstration.run import PASSWORD, Run

__all__ = ["PASSWORD", "STEPS", "Loaded", "Run", "Step", "accounts", "load_region", "second_process", "warm_up"]
