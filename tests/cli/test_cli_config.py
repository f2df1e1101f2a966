"""Words typed by a person become a typed config, or an error that says what to type instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from worldsim.cli.config import parse
from worldsim.cli.settings import setting, settings_of
from worldsim.core.errors import WorldsimError


@dataclass
class Network:
    depth: int = 8  # blocks
    width: int = 256  # numbers in a token, a multiple of 64


@dataclass(kw_only=True)
class Example:
    data: str = setting("a table", example="data/a.lance")
    suite: list[str] = setting("suites", default=["all"])
    steps: int = setting("steps", default=10, example="4000")
    rate: float = setting("learning rate", default=1e-3)
    limit: int | None = setting("scenarios", default=None)
    caption: str | None = setting("text", default=None)
    clean: bool = setting("start afresh", default=False)
    sizes: tuple[int, ...] = setting("sizes", default=(1, 2))
    kwargs: dict[str, Any] = setting("more", default={})
    network: Network = field(default_factory=Network)


def read(*words: str) -> Example:
    return parse(Example, ["data=x", *words], "example")


@pytest.mark.parametrize(
    "path",
    ["runs/a=b", "my dir/x", "a,b", "[x] y", "it's", 'say "x"', "C:\\new\\", "~/x", "$HOME", "a=b=c", "ä ö", "{x} y"],
)
def test_text_is_taken_as_it_is(path: str):
    assert read(f"data={path}").data == path


@pytest.mark.parametrize(
    ("text", "suites"),
    [
        ("control", ["control"]),
        ("[control,drift]", ["control", "drift"]),
        ("[control, drift]", ["control", "drift"]),
        ("[runs/a=b,my dir/x]", ["runs/a=b", "my dir/x"]),
        ("['a,b',c]", ["a,b", "c"]),
        ("'a b'", ["a b"]),
        ("[]", []),
        ("[7]", ["7"]),
    ],
)
def test_lists_of_text(text: str, suites: list[str]):
    assert read(f"suite={text}").suite == suites


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("steps=400", "steps", 400),
        ("steps=1e4", "steps", 10_000),
        ("rate=1e-4", "rate", 1e-4),
        ("rate=3", "rate", 3.0),
        ("limit=null", "limit", None),
        ("limit=5", "limit", 5),
        ("caption=null", "caption", None),
        ("clean=true", "clean", True),
        ("--clean", "clean", True),
        ("--steps=3", "steps", 3),
        ("kwargs={height:64,mode:'a b'}", "kwargs", {"height": 64, "mode": "a b"}),
        ("sizes=[3,4,5]", "sizes", [3, 4, 5]),
        ("sizes=3", "sizes", [3]),
    ],
)
def test_values_have_their_types(word: str, key: str, value: Any):
    found = getattr(read(word), key)
    assert found == value
    assert type(found) is type(value)


def test_nested_settings_are_dotted():
    assert read("network.depth=2").network == Network(depth=2, width=256)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("suit=a", "unknown setting 'suit' of example. Did you mean 'suite'?"),
        ("network.dept=2", "unknown setting 'network.dept' of example. Did you mean 'network.depth'"),
        ("steps=many", "steps=many: 'steps' has to be an integer, for example steps=4000."),
        ("steps=2.5", "'steps' has to be an integer"),
        ("steps=", "'steps' has to be an integer"),
        ("steps=1,2", "'steps' has to be an integer"),
        ("steps=[1]", "'steps' has to be an integer"),
        ("steps=null", "'steps' has to be an integer"),
        ("steps=a b:{", "'steps' has to be an integer"),
        ("limit=few", "'limit' has to be an integer or null"),
        ("rate=fast", "'rate' has to be a number"),
        ("clean=maybe", "'clean' has to be true or false"),
        ("sizes=[a]", "'sizes' has to be a list of integer"),
        ("data=[a,b]", "'data' has to be text"),
        ("kwargs=3", "'kwargs' has to be a dict"),
        ("control", "'control' is not a setting of example: write setting=value"),
        ("--steps", "setting 'steps' of example needs a value: steps=4000"),
        ("+new=3", "unknown setting '+new'"),
    ],
)
def test_errors_say_what_to_type(word: str, message: str):
    with pytest.raises(WorldsimError) as error:
        read(word)
    assert message in str(error.value)


def test_missing_settings_are_named_with_an_example():
    with pytest.raises(WorldsimError, match=r"example needs 'data', for example: worldsim example data=data/a\.lance"):
        parse(Example, [], "example")


def test_help_of_another_packages_config_is_the_comment_beside_its_field():
    known = settings_of(Example)
    assert known["network.width"].help == "numbers in a token, a multiple of 64"
    assert known["data"].required
    assert known["suite"].default_words == "[all]"
