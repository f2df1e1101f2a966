"""Registries: listing imports nothing, loading finds the attribute, a misspelt name is told what was meant."""

from __future__ import annotations

import sys

import pytest

from worldsim.core.errors import MissingDependencyError, UnknownNameError, WorldsimError, did_you_mean
from worldsim.core.registry import Registry, load_target


@pytest.fixture
def fruit():
    registry = Registry("fruit")
    registry.add("cherry", "colorsys:rgb_to_hsv", "small and red", season="summer")
    registry.add("apple", "no_such_module:Apple", "round")
    return registry


def test_names_are_sorted_and_listing_imports_nothing(fruit):
    assert fruit.names() == ["apple", "cherry"]
    assert [entry.summary for entry in fruit] == ["round", "small and red"]
    assert "apple" in fruit
    assert "pear" not in fruit
    assert "no_such_module" not in sys.modules


def test_an_entry_is_loaded_when_it_is_used(fruit):
    import colorsys

    assert fruit.load("cherry") is colorsys.rgb_to_hsv
    assert fruit.entry("cherry").info == {"season": "summer"}
    with pytest.raises(ModuleNotFoundError):
        fruit.load("apple")


def test_an_unknown_name_is_told_what_was_meant(fruit):
    with pytest.raises(UnknownNameError, match=r"^unknown fruit 'chery'. Did you mean 'cherry'\?$"):
        fruit.load("chery")
    with pytest.raises(UnknownNameError, match=r"^unknown fruit 'zzz'. Known: apple, cherry.$"):
        fruit.entry("zzz")


def test_a_name_is_registered_once(fruit):
    with pytest.raises(AssertionError, match=r"fruit 'apple' is registered twice"):
        fruit.add("apple", "x:y", "another")


def test_suggestions():
    assert did_you_mean("contrl", ["control", "drift"]) == " Did you mean 'control'?"
    assert did_you_mean("x", []) == " None is known."
    assert did_you_mean("abcd", ["abce", "abcf"]) == " Did you mean 'abcf' or 'abce'?"


def test_a_missing_package_is_told_how_to_get_it():
    error = MissingDependencyError("vizdoom", "doom", "the game 'doom/x'")
    assert isinstance(error, WorldsimError)
    assert str(error) == "the game 'doom/x' needs vizdoom, which is not installed: pip install 'worldsim[doom]'."


@pytest.fixture
def players():
    registry = Registry("player")
    registry.add("novice", "builtins:list", "knows nothing")
    registry.add("expert", "builtins:max", "plays well", number="skill from 0 to 1")
    registry.add("saved", "builtins:print", "from a file", file="a model")
    return registry


def test_a_name_can_carry_a_number_or_a_file(players):
    assert players.entry("expert").load() is max
    entry = players.entry("expert@0.60")
    assert (entry.name, entry.target) == ("expert@0.60", "builtins:max@0.6")
    assert entry.load()(0.5) == 0.6
    assert players.load("expert@2")(1.0, 1.5) == 2
    assert players.entry("expert@1e1").target == players.entry("expert@10").target == "builtins:max@10"
    assert players.entry("saved:runs/a@b.zip").target == "builtins:print@runs/a@b.zip"
    assert [entry.usage for entry in players] == ["expert[@NUMBER]", "novice", "saved:FILE"]


def test_a_target_is_enough_to_make_the_same_thing_elsewhere(players, capsys):
    assert load_target(players.entry("expert@0.6").target)(0.5) == 0.6
    load_target(players.entry("saved:a.zip").target)("env")
    assert capsys.readouterr().out == "env a.zip\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("expret@0.6", "unknown player 'expret'. Did you mean 'expert'?"),
        ("savd:a.zip", "unknown player 'savd:a.zip'. Known: expert, novice, saved."),
        ("novice@3", "the player 'novice' is written novice; got 'novice@3'."),
        ("expert:a.zip", "the player 'expert' is written expert[@NUMBER]; got 'expert:a.zip'."),
        ("expert@", "the player 'expert@' needs a number after the '@', skill from 0 to 1: expert[@NUMBER]."),
        ("expert@nan", "the player 'expert@nan' needs a number after the '@', skill from 0 to 1: expert[@NUMBER]."),
        ("expert@high", "the player 'expert@high' needs a number after the '@', skill from 0 to 1: expert[@NUMBER]."),
        ("saved", "the player 'saved' needs a file, a model: saved:FILE."),
        ("saved:", "the player 'saved:' needs a file after the ':', a model: saved:FILE."),
    ],
)
def test_an_argument_that_does_not_fit_is_told_what_does(players, name, message):
    with pytest.raises(WorldsimError) as raised:
        players.entry(name)
    assert str(raised.value) == message
