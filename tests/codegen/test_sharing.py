"""`[share]`: two SDKs that are made from one file have its classes once; and custom options can be read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from echo import echo_server
from generating import MANIFEST, project, run, write

LIB = """
syntax = "proto3"; package lib;
import "deep.proto";
import "google/protobuf/descriptor.proto";
extend google.protobuf.FieldOptions { string unit = 50001; repeated int32 bounds = 50002; }
extend google.protobuf.MessageOptions { bool priced = 50003; }
message Money {
  option (priced) = true;
  int64 units = 1 [(unit) = "cents", (bounds) = 0, (bounds) = 9];
  Currency currency = 2;
}
service Bank { rpc Count(Money) returns (Money); }
"""
DEEP = 'syntax = "proto3"; package lib; message Currency { string code = 1; }'
SHOP = """
syntax = "proto3"; package shop;
import "lib.proto"; import "deep.proto";
service Shop { rpc Buy(Order) returns (Order); rpc Pay(lib.Money) returns (lib.Money); }
message Order { string name = 1; lib.Money price = 2; repeated lib.Currency currencies = 3; }
"""
USE = """
import sys
from common import Money, BankAPI
from shop import Order, ShopAPI
import shop.messages, common.messages
assert shop.messages.POOL is common.messages.POOL
price = Money(units=3, currency={"code": "EUR"})
order = Order(name="a", price=price)
assert type(order.price) is Money
with ShopAPI(sys.argv[1]) as api:
    assert api.shop.buy(name="a", price=price) == order
    assert api.shop.buy({"name": "a", "price": {"units": 3, "currency": {"code": "EUR"}}}) == order
    paid = api.shop.pay({"units": 3})
    assert type(paid) is Money and paid.units == 3
with BankAPI(sys.argv[1]) as api:
    assert api.bank.count(paid) == paid
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with both SDKs."""
    files: dict[str, str | bytes] = {"lib.proto": LIB, "deep.proto": DEEP}
    common = '[sdk]\npackage = "common"\nfacade = "BankAPI"\n'
    assert run("generate", project(tmp_path / "common", files, common), "--out", tmp_path / "out").code == 0
    toml = '[sdk]\npackage = "shop"\nfacade = "ShopAPI"\n[share]\n"lib.proto" = "common"\n'
    done = run("generate", project(tmp_path / "shop", {**files, "shop.proto": SHOP}, toml), "--out", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert {path.name for path in (tmp_path / "out/shop/messages").iterdir()} == {"__init__.py", "shop.py", "shop.pyi"}
    return tmp_path / "out"


@pytest.mark.slow
def test_messages_are_the_same(packages: Path) -> None:
    with echo_server() as server:
        python = [sys.executable, "-W", "error", "-c", USE, server.url]
        done = subprocess.run(python, cwd=packages, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    write(
        packages, {"use.py": "from common import Money\nfrom shop import Order\nOrder(price=Money()).price.units = 3\n"}
    )
    mypy = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={os.devnull}", "use.py", "shop"]
    done = subprocess.run(mypy, cwd=packages, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


OPTIONS = """
from common import Money
from common.messages.lib import bounds, priced, unit
from twirpkit.schema_options import custom_option
fields = Money.DESCRIPTOR.fields_by_name
assert custom_option(fields["units"], unit) == "cents"
assert list(custom_option(fields["units"], bounds)) == [0, 9]
assert custom_option(fields["currency"], unit) is None
assert custom_option(Money.DESCRIPTOR, priced) is True
try:
    custom_option(Money.DESCRIPTOR, unit)
except TypeError as error:
    assert str(error) == "lib.unit is an option of FieldOptions, not of MessageOptions"
else:
    raise AssertionError
"""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["upb", "python"])
def test_custom_options_are_read(packages: Path, engine: str) -> None:
    environment = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": engine}
    python = [sys.executable, "-c", OPTIONS]
    done = subprocess.run(python, cwd=packages, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('"no.proto" = "common"', "manifest.toml:5: no file no.proto in the protos: remove it"),
        ('"a.proto" = 3', "manifest.toml:4: [share] must be a table of packages by the paths of files"),
        ('"a.proto" = "b"\n"c.proto" = "d"', "manifest.toml:4: [share] names b and d: messages can be shared with one"),
    ],
)
def test_what_cannot_be_shared(table: str, says: str, tmp_path: Path) -> None:
    done = run("inspect", project(tmp_path, toml=f"{MANIFEST}[share]\n{table}\n"))
    assert done.code == 1
    assert done.err.startswith(says)
