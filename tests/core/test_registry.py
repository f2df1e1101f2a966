"""Registries: listing imports nothing, loading finds the attribute, a misspelt name is told what was meant."""

from __future__ import annotations

import sys

import pytest

from worldsim.core.errors import MissingDependencyError, UnknownNameError, WorldsimError, did_you_mean
from worldsim.core.registry import Registry


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
