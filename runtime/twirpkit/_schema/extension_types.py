"""The type of an extension of proto2 in stubs. protobuf's own stubs have it under a private name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.internal.extension_dict import _ExtensionFieldDescriptor as ExtensionDescriptor
else:
    from google.protobuf.descriptor import FieldDescriptor as ExtensionDescriptor

__all__ = ["ExtensionDescriptor"]
