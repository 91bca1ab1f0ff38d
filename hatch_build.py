"""Puts browser assets, translations and policy packs into the wheel; an editable install gets them from `make`."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = pathlib.Path(__file__).resolve().parent


class AssetHook(BuildHookInterface):
    """Runs the same builder as `kangqiao assets`."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the files of a wheel are gathered."""
        if version == "editable" or self.target_name != "wheel":
            return
        sys.path.insert(0, str(ROOT / "src"))
        from kangqiao.base.server import assets

        assets.build(ROOT, say=self.app.display_info)
        build_data["force_include"][str(ROOT / "packs")] = "kangqiao/packs"
