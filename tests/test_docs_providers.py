"""The pages of docs/providers name models, suffixes, errors and codes that there are."""

import ast
import re
from pathlib import Path

import pytest

from providers.contract.common_settings import CommonSettings
from providers.registry import provider_class

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs/providers").glob("*.md"))
