"""Plays the gallery by a script: put before a thing of one name, it uses or hits it again and again."""

from __future__ import annotations

import numpy as np

from worldsim.core.actions import ActionCodec

TARGETS = ("door", "cake", "switch", "canvas", "creature")
SPECIES = ("pig", "sheep", "slime")  # two of them are in every gallery


class Toucher:
    """Episode n is about TARGETS[n]; a switch has its lamp before the player as well, hanging over it."""

    def __init__(self, env):
        self.env, self.codec, self.episode = env, ActionCodec.from_space(env.action_space), -1

    def reset(self, seed):
        self.episode += 1
        self.begin(self.episode)

    def begin(self, episode):
        self.name, self.steps = TARGETS[episode], 0
        env = self.env
        if self.name == "switch":
            wired = {int(switch): cell for switch, *cell in env.world.lamps.tolist()}
            self.number = next(n for n in wired if self.face(n))
            lamp = int(env.ids[tuple(wired[self.number])])
            x, y, z = self.place(self.number)
            env.intervene("teleport", object_id=lamp, position_m=(x, y + 1, z))
        else:
            self.number = next(n for n in self.named(self.name) if self.face(n))

    def named(self, name):
        names = SPECIES if name == "creature" else (name,)
        return [number for number, called, *_ in self.env.objects if called in names]

    def place(self, number):
        return self.env.ground_truth().objects[number - 1].position_m

    def face(self, number):
        """Stand where the crosshair is on the thing."""
        env = self.env
        x, y, z = self.place(number)
        for far in (1.6, 2.2, 2.8):
            for turn in range(0, 360, 30):
                i, k = x + far * np.sin(np.radians(turn)), z - far * np.cos(np.radians(turn))
                inside = 1 <= i < env.blocks.shape[0] - 1 and 1 <= k < env.blocks.shape[2] - 1
                if not inside or env.blocks[int(i), 2:4, int(k)].any() or not (0.31 < i % 1 < 0.69 > k % 1 > 0.31):
                    continue
                snapshot = env.get_state()
                down = np.degrees(np.arctan2(2 + 1.62 - y, far))
                snapshot["body"][:] = (i, 2.0, k, 0.0, -0.0784, 0.0, (turn + 180) % 360 - 180, down)
                env.set_state(snapshot)
                if env.ground_truth().instance_ids[env.height // 2, env.width // 2] == number:
                    return True
        return False

    def act(self, obs):
        truth = self.env.ground_truth()
        wish = {}
        seen = np.argwhere(truth.instance_ids == self.number)
        if len(seen) and (self.name != "canvas" or self.steps < 2):
            row, column = seen.mean(0)
            K = truth.camera.K
            yaw, pitch = np.degrees(np.arctan2([column - K[0, 2], row - K[1, 2]], K[0, 0]))
            wish |= {"camera_yaw_right_deg": float(yaw), "camera_pitch_down_deg": float(pitch)}
        if self.name == "creature":
            wish |= {"attack": self.steps % 9 == 4, "forward": self.steps % 9 > 5}
        elif self.name == "canvas":
            wish |= {"use": self.steps % 12 in (5, 6, 7), "camera_yaw_right_deg": 2.0 * (self.steps % 12 == 6)}
        else:
            wish |= {"use": self.steps % 8 == 5}
        self.steps += 1
        return self.codec.vector(**{name: float(value) for name, value in wish.items()})
