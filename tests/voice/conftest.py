"""Tests with a real Asterisk are `make test-voice`; nothing else collects them."""

import os

collect_ignore = [] if os.environ.get("VESTIBULE_VOICE") == "1" else ["test_real_asterisk.py"]
