"""Starts ViZDoom: no window, no sound, no files left behind, and only the buttons and variables we use."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable

import vizdoom as vzd

from envs.doom.ground_truth import CAMERA_VARIABLES
from envs.doom.scenarios import Scenario

TICS_PER_SECOND = 35
TICS_PER_STEP = 4

# The order of a button vector. The turn is given in degrees a tic, positive to the right.
BUTTONS = (
    vzd.Button.MOVE_FORWARD,
    vzd.Button.MOVE_BACKWARD,
    vzd.Button.MOVE_LEFT,
    vzd.Button.MOVE_RIGHT,
    vzd.Button.TURN_LEFT_RIGHT_DELTA,
)
# The 4:3 screens of ViZDoom, so that the field of view is the same at every size.
SCREENS = ((160, 120), (200, 150), (256, 192), (320, 240), (400, 300), (512, 384), (640, 480), (800, 600), (1024, 768))

_starting = threading.Lock()


def choose_screen(height: int, width: int) -> tuple[int, int]:
    """The smallest (width, height) that ViZDoom draws and that covers the asked frame, or the largest there is."""
    return next(((w, h) for w, h in SCREENS if w >= width and h >= height), SCREENS[-1])


def start_game(
    scenario: Scenario, screen: tuple[int, int], with_labels: bool
) -> tuple[vzd.DoomGame, Callable[[], None]]:
    """A running game, drawing ``screen`` (width, height), and the function that stops it and removes its files.

    Labels cost a third of the speed and can only be switched on before the start.
    """
    folder = tempfile.TemporaryDirectory(prefix="worldsim_doom_")
    game = vzd.DoomGame()
    game.load_config(os.path.join(vzd.scenarios_path, f"{scenario.name}.cfg"))
    game.set_doom_config_path(os.path.join(folder.name, "vizdoom.ini"))
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_screen_format(vzd.ScreenFormat.RGB24)
    game.set_screen_resolution(getattr(vzd.ScreenResolution, f"RES_{screen[0]}X{screen[1]}"))
    game.set_render_hud(False)
    game.set_mode(vzd.Mode.PLAYER)
    game.set_available_buttons(list(BUTTONS))
    game.set_available_game_variables(list(CAMERA_VARIABLES))
    game.set_episode_start_time(scenario.start_tic)
    game.set_episode_timeout(0)  # the environment counts the steps, so that a time-out still has a last frame
    game.set_labels_buffer_enabled(with_labels)
    game.set_objects_info_enabled(True)
    # The engine makes a folder "_vizdoom" where it is started, whatever it is told.
    with _starting, contextlib.chdir(folder.name):
        game.init()

    def stop() -> None:
        game.close()  # writes its settings
        folder.cleanup()

    return game, stop
