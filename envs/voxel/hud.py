"""What is drawn over the world: the crosshair and the swatches of the hotbar."""

from __future__ import annotations

from numba import njit


@njit(cache=True)
def draw_hud(frame, textures, hotbar, selected, waiting):
    """The crosshair (amber while the hand waits) and the three block swatches, the selected one with a white rim."""
    height, width = frame.shape[0], frame.shape[1]
    unit = max(height // 64, 1)
    for v in range(-2 * unit, 3 * unit):
        for u in range(-2 * unit, 3 * unit):
            if (0 <= v < unit) != (0 <= u < unit) or (0 <= v < unit and 0 <= u < unit):
                _dot(frame, height // 2 + v, width // 2 + u, 255, 180 if waiting else 255, 40 if waiting else 255)
    for k in range(3):
        colour = textures[4, hotbar[k], 1, 0, 0]
        left, top = width // 2 + (6 * k - 9) * unit, height - 6 * unit
        for v in range(5 * unit):
            for u in range(6 * unit):
                rim = v < unit or v >= 4 * unit or u < unit or u >= 5 * unit
                if not rim:
                    _dot(frame, top + v, left + u, colour[0], colour[1], colour[2])
                elif k == selected:
                    _dot(frame, top + v, left + u, 255, 255, 255)
                else:
                    _dot(frame, top + v, left + u, 30, 30, 30)


@njit(cache=True)
def draw_health(frame, health):
    """A bar of ten marks at the lower left, each for two points of health; bright while they last."""
    height = frame.shape[0]
    unit = max(height // 64, 1)
    for k in range(10):
        for v in range(2 * unit):
            for u in range(unit):
                bright = health > 2 * k
                _dot(frame, height - 9 * unit + v, (2 * k + 1) * unit + u, 230 if bright else 60, 40, 50)


@njit(cache=True)
def _dot(frame, v, u, red, green, blue):
    if 0 <= v < frame.shape[0] and 0 <= u < frame.shape[1]:
        frame[v, u, 0], frame[v, u, 1], frame[v, u, 2] = red, green, blue
