"""The toy game, broken in every way the contract checker can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from toy_game import Furnished, Room, ToyGame

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Camera


def with_space(space: gymnasium.Space) -> type:
    class Game(ToyGame):
        def __init__(self, **kwargs: Any):
            super().__init__(**kwargs)
            self.action_space = space

    return Game


def with_truth(**changes: Any) -> type:
    """The toy with parts of its ground truth replaced; a change is a function of the game and its sound truth."""

    class Game(ToyGame):
        def ground_truth(self):
            sound = super().ground_truth()
            return replace(sound, **{name: change(self, sound) for name, change in changes.items()})

    return Game


def with_camera(change: Any) -> type:
    def camera(game, sound):
        K, T = sound.camera.K.copy(), sound.camera.T_world_camera.copy()
        changed = change(game, K, T)
        return replace(sound.camera, K=K, T_world_camera=T) if changed is None else changed

    return with_truth(camera=camera)


class SmallFloats(ToyGame):
    observation_space = gymnasium.spaces.Box(0, 1, (12, 16, 3), np.float32)


class NoFrameRate(ToyGame):
    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012


class Wanderer(gymnasium.spaces.Box):
    """A space whose samples lie outside it."""

    def sample(self, mask=None, probability=None):
        return np.array([5.0], np.float32)

    def contains(self, x):
        return True


class Picky(gymnasium.spaces.Box):
    """A space that takes nothing."""

    def contains(self, x):
        return False

    def __repr__(self):
        return "Picky"


class UnseededReset(ToyGame):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None)


class DarkRender(ToyGame):
    def render(self):
        return super().render() // 2


class NumpyBools(ToyGame):
    def step(self, action):
        frame, reward, terminated, truncated, info = super().step(action)
        return frame, reward, np.bool_(terminated), truncated, info


class NoReward(ToyGame):
    def step(self, action):
        frame, _, terminated, truncated, info = super().step(action)
        return frame, float("nan"), terminated, truncated, info


class NeverStartsAfresh(ToyGame):
    over = False

    def step(self, action):
        if self.over:
            return self.draw()[0], 0.0, True, False, {}
        result = super().step(action)
        self.over = result[2]
        return result


class CrashesAfterTheEnd(ToyGame):
    def step(self, action):
        if self.ended:
            raise ZeroDivisionError("no player")
        return super().step(action)


class GoesOnAfterTheEnd(ToyGame):
    def step(self, action):
        if self.ended:
            return self.draw()[0], 0.0, False, False, {}
        return super().step(action)


class RemembersEpisodes(ToyGame):
    episodes = 0

    def reset(self, *, seed=None, options=None):
        result = super().reset(seed=seed)
        self.episodes += 1
        self.position[2] += 0.01 * self.episodes
        return self.draw()[0], result[1]


class EveryInstanceIsAnother(ToyGame):
    instances = 0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        type(self).instances += 1
        self.number = type(self).instances

    def reset(self, *, seed=None, options=None):
        result = super().reset(seed=seed)
        self.position[2] += 0.01 * self.number
        return self.draw()[0], result[1]


class AlwaysTheSame(ToyGame):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=0)


class StaleFrame(ToyGame):
    def set_state(self, state):
        super().set_state(state)
        return np.zeros((12, 16, 3), np.uint8)


class Jitters(ToyGame):
    """Its steps draw random numbers, and its snapshot leaves the random stream out."""

    def step(self, action):
        self.yaw_right_deg += float(self.np_random.normal(0, 5))
        return super().step(action)

    def set_state(self, state):
        return super().set_state({**state, "random": self.np_random.bit_generator.state})


class Replayer(Room):
    """The room with replay."""

    def replay(self, seed, actions):
        codec = ActionCodec.from_space(self.action_space)
        frame, _ = self.reset(seed=seed)
        for vector in actions[: self.taken(len(actions))]:
            frame, *_ = self.step(codec.decode(vector))
        return frame

    def taken(self, count):
        return count


class OneActionShort(Replayer):
    def taken(self, count):
        return count - 1


class ObjectsInState(ToyGame):
    def get_state(self):
        return {**super().get_state(), "bag": np.array([object()])}


class GeneratorInState(ToyGame):
    def get_state(self):
        return {**super().get_state(), "tools": [self.np_random]}


class MovesInPlace(ToyGame):
    def step(self, action):
        array = self.position
        result = super().step(action)
        array[:] = self.position
        self.position = array
        return result


class SharesItsPosition(MovesInPlace):
    def get_state(self):
        return {**super().get_state(), "position": self.position}


class SharesItsDiary(ToyGame):
    def reset(self, *, seed=None, options=None):
        self.diary = []
        return super().reset(seed=seed)

    def step(self, action):
        self.diary.append(1)
        return super().step(action)

    def get_state(self):
        return {**super().get_state(), "zz_diary": self.diary}


class KeepsTheGivenArray(MovesInPlace):
    def set_state(self, state):
        super().set_state(state)
        self.position = state["position"]
        return self.draw()[0]


class Crashes(ToyGame):
    def ground_truth(self):
        raise IndexError("list index out of range")


def turned(game, K, T):
    T[:3, 0] *= -1


def far_away(game, K, T):
    T[:3, 3] += 1000 * game.yaw_right_deg


def mirrored_turn(game, K, T):
    T[:3, :3] = T[:3, :3].T


def graphics_axes(game, K, T):
    T[:3, 1:3] *= -1


def bottom_row(game, K, T):
    T[3, 0] = 1


def sideways_K(game, K, T):
    K[0, 0] *= -1


def corner_K(game, K, T):
    K[0, 2] = 99


def flat_K(game, K, T):
    return Camera(K[:2], T)


def euclidean(game, sound):
    rows, columns = np.mgrid[:12, :16] + 0.5
    return (sound.depth_m * np.sqrt(1 + ((columns - 8) / 10) ** 2 + ((rows - 6) / 10) ** 2)).astype(np.float32)


def second_poster(game, sound):
    return sound.objects * 2


def nowhere(game, sound):
    return (replace(sound.objects[0], velocity_m_s=(np.nan, 0.0, 0.0)),)


def miscounted(game, sound):
    return (replace(sound.objects[0], visible_pixels=sound.objects[0].visible_pixels + 1),)


def ids_of_2(game, sound):
    return np.full_like(sound.instance_ids, 2)


class TakesAnyAction(ToyGame):
    def check(self, action):
        pass

    def step(self, action):
        return super().step({**action, "camera": np.nan_to_num(action["camera"])})


class StumblesOverActions(ToyGame):
    def check(self, action):
        if not np.isfinite(action["camera"]).all():
            raise IndexError("no such direction")


class MovesBeforeItRefuses(ToyGame):
    def check(self, action):
        self.yaw_right_deg += 1
        super().check(action)
        self.yaw_right_deg -= 1


class OneBuffer(ToyGame):
    """Every frame is drawn into the same array."""

    buffer = np.zeros((12, 16, 3), np.uint8)

    def step(self, action):
        _, *rest = super().step(action)
        return self.render(), *rest

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.render(), {}

    def render(self):
        self.buffer[:] = self.draw()[0]
        return self.buffer


class AskedInInfoOnly(ToyGame):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {"task": "go to a wall"}


class AskedInLines(Furnished):
    task_text = "go to\na wall"


class AskedTwoThings(Furnished):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {"task": "stay"}


class AskedByEpisode(Furnished):
    def reset(self, *, seed=None, options=None):
        frame, _ = super().reset(seed=seed)
        self.task_text = f"go to wall {self.np_random.integers(4)}"
        return frame, {"task": self.task_text}


class Renames(ToyGame):
    """The poster has another id each time it comes into the picture, and is listed only there."""

    number, in_sight = 1, False

    def reset(self, *, seed=None, options=None):
        self.number, self.in_sight = 1, False
        return super().reset(seed=seed)

    def ground_truth(self):
        sound = super().ground_truth()
        in_sight = bool(sound.instance_ids.any())
        self.number += self.in_sight and not in_sight
        self.in_sight = in_sight
        posters = [replace(poster, id=self.number) for poster in sound.objects] if in_sight else []
        return replace(sound, instance_ids=sound.instance_ids * self.number, objects=tuple(posters))


class RenamesUnlisted(Renames):
    def ground_truth(self):
        return replace(super().ground_truth(), objects=None)


class Recycles(ToyGame):
    """The id of what has left the picture is given to something else."""

    def ground_truth(self):
        sound = super().ground_truth()
        if sound.instance_ids.any():
            return sound
        return replace(sound, objects=(replace(sound.objects[0], cls="lamp"),))


class OffersToExplode(Furnished):
    def interventions(self):
        return (*super().interventions(), "explode")


class TakesEveryName(Furnished):
    def intervene(self, name, **details):
        return super().intervene(name, **details) if name in self.interventions() else self.draw()[0]


class StumblesOverNames(Furnished):
    def intervene(self, name, **details):
        return {"remove": super().intervene}[name](name, **details)


class TurnsWhenItRefuses(Furnished):
    def intervene(self, name, **details):
        self.yaw_right_deg += 5
        return super().intervene(name, **details)


class RefusesToRemove(Furnished):
    def change(self, name, **details):
        raise WorldsimError(f"{name} is not allowed today")


class BlackFrame(Furnished):
    def intervene(self, name, **details):
        return np.zeros_like(super().intervene(name, **details))


class PushesThePlayer(Furnished):
    def change(self, name, **details):
        super().change(name, **details)
        self.position = self.position + 0.1


class RemovesNothing(Furnished):
    def change(self, name, **details):
        pass


class AddsNothing(Furnished):
    def change(self, name, **details):
        if name != "add":
            super().change(name, **details)


class LosesWhatItTeleports(Furnished):
    def change(self, name, **details):
        super().change("remove" if name == "teleport" else name, **details)


class TeleportsNowhere(Furnished):
    def change(self, name, **details):
        if name != "teleport":
            super().change(name, **details)


class TeleportsThePlayerNowhere(Furnished):
    """It can move the player only, and does not."""

    def interventions(self):
        return ("teleport",)

    def intervene(self, name, **details):
        if name != "teleport" or "object_id" in details:
            raise WorldsimError("only the player can be moved")
        return self.draw()[0]


class EveryInterventionIsAnother(Furnished):
    instances = 0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        type(self).instances += 1
        self.number, self.drift_deg = type(self).instances, 0.0

    def reset(self, *, seed=None, options=None):
        self.drift_deg = 0.0
        return super().reset(seed=seed)

    def change(self, name, **details):
        super().change(name, **details)
        self.drift_deg = 3.0 * self.number

    def step(self, action):
        self.yaw_right_deg += self.drift_deg
        return super().step(action)
