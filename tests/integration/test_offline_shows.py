"""Offline codes of a city: what is minted, what fits, and what a scan with network makes of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import segno
import zxingcpp
from fixtures_city import ServedCity
from offline_city import CarriedPhone, holders_phone
from offline_phone import Phone, read_code, unb64
from PIL import Image
from test_bad_input import problem
from test_show_and_scan import no_data, reasons

from certsvc.catalog.loader import load_catalog
from certsvc.clock import FixedClock, SystemClock, local_day
from certsvc.commands.offline.mint import offline_name
from certsvc.license.offline import MAX_BYTES, MAX_TEXT, OfflineCore, size_note

SLUG = "tour_guide"
