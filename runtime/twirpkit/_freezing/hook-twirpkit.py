"""The modules that `twirpkit` and packages made with it load by name, for PyInstaller."""

from PyInstaller.utils.hooks import collect_submodules  # type: ignore[import-untyped, import-not-found, unused-ignore]  # only PyInstaller runs this

_NOT_AT_RUN_TIME = ("twirpkit.conformance", "twirpkit.testing", "twirpkit._freezing", "twirpkit.otel")
_GOOGLE = ("any", "api", "duration", "empty", "field_mask", "source_context", "struct", "timestamp", "type", "wrappers")

hiddenimports = collect_submodules("twirpkit", filter=lambda name: not name.startswith(_NOT_AT_RUN_TIME))
hiddenimports += [f"google.protobuf.{name}_pb2" for name in _GOOGLE]
