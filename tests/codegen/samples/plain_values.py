"""Python values for messages of google/protobuf, as users of a generated package write them; checked beside it.

A line that a checker must refuse has a comment that says so: mypy reports one that nothing needs.
"""

import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from odd_google_types import Known, OddAPI

NOW = datetime.datetime.now(datetime.UTC)


def keywords(api: OddAPI, mask: FieldMask) -> None:
    api.google.known(value="text", struct={"a": [1, None]}, listvalue=[1, "x", {"a": None}], fieldmask=["a", "b.c"])
    api.google.known(value=None)
    api.google.known(value=["a", {"b": True}], fieldmask=mask)
    api.google.known(any=Duration(seconds=3), timestamp=NOW, duration=datetime.timedelta(seconds=3))
    api.google.known(any={"@type": "odd.google_types.Known", "value": 5})
    api.google.known(boolvalue=True, int64value=5, stringvalue="x", doublevalue=0.5, bytesvalue=b"x")
    api.google.known(times=[NOW], spans={"a": datetime.timedelta(seconds=1)}, texts=["x"])
    api.google.known({"value": {"a": 1}, "fieldmask": ("a",), "any": Known()})
    api.google.known(value=object())  # type: ignore[call-overload]  # refused
    api.google.known(fieldmask="a,b")  # type: ignore[call-overload]  # refused: a bare str
    api.google.known(listvalue="x")  # type: ignore[call-overload]  # refused
    api.google.known(duration=3)  # type: ignore[call-overload]  # refused
    api.google.known(timestamp=3)  # type: ignore[call-overload]  # refused
    api.google.known(any="x")  # type: ignore[call-overload]  # refused
    api.google.known(boolvalue="true")  # type: ignore[call-overload]  # refused


def constructors() -> Known:
    Known(value="text", fieldmask=["a"], timestamp=NOW, any=Known(), listvalue=[1], stringvalue="x")
    Known(duration=Duration(seconds=3), struct={"a": 1}, times=[NOW], spans={"a": Duration()})
    Known(value={1})  # type: ignore[arg-type]  # refused
    return Known(duration=3)  # type: ignore[arg-type]  # refused
