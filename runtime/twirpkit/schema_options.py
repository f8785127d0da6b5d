"""Custom options of a schema: what its protos say about messages, fields, enums and RPCs."""

from __future__ import annotations

from typing import Any

from google.protobuf.message_factory import GetMessageClass

__all__ = ["custom_option"]


def custom_option(descriptor: Any, extension: Any) -> Any:
    """Return the value of a custom option, or None where the proto does not set it.

    Args:
        descriptor: What the option is set on: ``Hat.DESCRIPTOR``, ``Hat.DESCRIPTOR.fields_by_name["name"]``.
        extension: The option, as its module of the generated package has it: ``messages.options.secret``.

    Raises:
        TypeError: The option is for something else, such as messages and not fields.
    """
    options = descriptor.GetOptions()
    if options.DESCRIPTOR.full_name != extension.containing_type.full_name:
        given, wanted = options.DESCRIPTOR.name, extension.containing_type.name
        raise TypeError(f"{extension.full_name} is an option of {wanted}, not of {given}")
    # By its bytes: the classes of options are protobuf's own, which do not know the package's extensions.
    parsed: Any = GetMessageClass(extension.containing_type).FromString(options.SerializeToString())
    repeated = extension.is_repeated if hasattr(extension, "is_repeated") else extension.label == 3
    if not repeated and not parsed.HasExtension(extension):
        return None
    return parsed.Extensions[extension]
