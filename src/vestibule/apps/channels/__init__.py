"""Providers of calls, texts and mail: which kinds there are, and those that are set up, opened when first needed.

To add a kind: write its settings as a module beside this one, with the shape `OpenProviderKind`, and put it in
`provider_kinds`, in `apps/pieces.py`. Forms are written as those of directories (`apps/directories/forms.py`).
"""

from vestibule.apps.channels.live import LiveProviders, OpenProviderKind

__all__ = ["LiveProviders", "OpenProviderKind"]
