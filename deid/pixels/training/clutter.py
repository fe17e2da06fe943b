"""What is on radiographs and is not text: collimator edges, wires, tubes, clips, electrodes, rulers, grids, scratches, dust."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from deid.pixels.training.typeset import Plane

_SHIFT = 3  # OpenCV draws at an eighth of a pixel


def draw_clutter(image: Plane, rng: np.random.Generator) -> None:
    """One to four such things, in place, bright or dark."""
    kinds = (_edge, _wire, _clips, _disc, _ruler, _grid, _scratch, _dust, _block, _zip, _hooks, _coil)
    for _ in range(int(rng.integers(1, 5))):
        kind: Callable[[Plane, np.random.Generator], Plane] = kinds[int(rng.integers(len(kinds)))]
        shape = kind(np.zeros_like(image), rng)
        if rng.random() < 0.5:
            shape = cv2.GaussianBlur(shape, (0, 0), float(rng.uniform(0.4, 2.0)))
        image += shape * float(rng.choice([-1, 1, 1])) * float(rng.uniform(0.05, 0.8))


def _points(rng: np.random.Generator, side: int, count: int) -> np.ndarray:
    return (rng.uniform(-0.1 * side, 1.1 * side, (count, 2)) * (1 << _SHIFT)).astype(np.int32)


def _edge(canvas: Plane, rng: np.random.Generator) -> Plane:
    side = canvas.shape[0]
    angle = float(rng.normal(0, 4)) + float(rng.choice([0, 90, 180, 270]))
    x, y = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    distance = (columns - rng.uniform(0, side)) * x + (rows - rng.uniform(0, side)) * y
    return np.clip(distance / float(rng.uniform(0.5, 8)) + 0.5, 0, 1).astype(np.float32)


def _wire(canvas: Plane, rng: np.random.Generator) -> Plane:
    side = canvas.shape[0]
    knots = rng.uniform(-0.2 * side, 1.2 * side, (4, 2))
    t = np.linspace(0, 1, 60)[:, None]
    curve = (1 - t) ** 3 * knots[0] + 3 * t * (1 - t) ** 2 * knots[1] + 3 * t**2 * (1 - t) * knots[2] + t**3 * knots[3]
    thick = int(rng.integers(1, 12))
    points = (curve * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(canvas, [points], False, 1.0, thick, cv2.LINE_AA, _SHIFT)
    if thick > 4 and rng.random() < 0.6:  # a tube: brighter walls
        cv2.polylines(canvas, [points], False, float(rng.uniform(0.2, 0.7)), max(1, thick - 3), cv2.LINE_AA, _SHIFT)
    return canvas


def _clips(canvas: Plane, rng: np.random.Generator) -> Plane:
    side = canvas.shape[0]
    x, y = rng.uniform(0, side, 2)
    for _ in range(int(rng.integers(1, 9))):
        length, angle = float(rng.uniform(5, 28)), float(rng.uniform(0, np.pi))
        step = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        middle = np.array([x, y])
        ends = ((np.array([middle - step, middle + step])) * (1 << _SHIFT)).astype(np.int32)
        cv2.line(canvas, ends[0].tolist(), ends[1].tolist(), 1.0, int(rng.integers(1, 5)), cv2.LINE_AA, _SHIFT)
        x, y = x + rng.normal(0, 30), y + rng.normal(0, 30)
    return canvas


def _disc(canvas: Plane, rng: np.random.Generator) -> Plane:
    side = canvas.shape[0]
    centre = [int(v) for v in rng.uniform(0, side, 2)]
    radius = int(rng.uniform(4, 60))
    thick = -1 if rng.random() < 0.4 else int(rng.integers(1, 7))
    axes = (radius, int(radius * rng.uniform(0.6, 1)))
    cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, thick, cv2.LINE_AA)
    if rng.random() < 0.5:
        cv2.circle(canvas, centre, max(2, radius // 3), 1.0 if thick > 0 else 0.4, -1, cv2.LINE_AA)
    return canvas


def _ruler(canvas: Plane, rng: np.random.Generator) -> Plane:
    side = canvas.shape[0]
    step, at = float(rng.uniform(6, 40)), int(rng.uniform(0, side))
    length = float(rng.uniform(4, 20))
    for index, place in enumerate(np.arange(0, side, step)):
        reach = int(length * (2 if index % 5 == 0 else 1))
        cv2.line(canvas, (at, int(place)), (at + reach, int(place)), 1.0, 1)
    if rng.random() < 0.5:
        cv2.line(canvas, (at, 0), (at, side), 1.0, 1)
    return np.ascontiguousarray(np.rot90(canvas, int(rng.integers(4))))


def _grid(canvas: Plane, rng: np.random.Generator) -> Plane:
    side = canvas.shape[0]
    period, angle = float(rng.uniform(2.5, 14)), float(rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)]))
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    wave = np.sin((columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / period)
    return (0.15 * (wave if rng.random() < 0.5 else np.sign(wave))).astype(np.float32)


def _scratch(canvas: Plane, rng: np.random.Generator) -> Plane:
    points = _points(rng, canvas.shape[0], int(rng.integers(2, 5)))
    cv2.polylines(canvas, [points], False, 1.0, 1, cv2.LINE_AA, _SHIFT)
    return canvas


def _dust(canvas: Plane, rng: np.random.Generator) -> Plane:
    for _ in range(int(rng.integers(3, 40))):
        centre = [int(v) for v in rng.uniform(0, canvas.shape[0], 2)]
        cv2.ellipse(
            canvas,
            centre,
            (int(rng.integers(1, 4)), int(rng.integers(1, 3))),
            float(rng.uniform(0, 180)),
            0,
            360,
            1.0,
            -1,
        )
    return canvas


def _block(canvas: Plane, rng: np.random.Generator) -> Plane:
    side = canvas.shape[0]
    x, y = (int(v) for v in rng.uniform(0, side, 2))
    width, height = (int(v) for v in rng.uniform(8, 160, 2))
    cv2.rectangle(canvas, (x, y), (x + width, y + height), 1.0, -1 if rng.random() < 0.5 else int(rng.integers(1, 5)))
    return canvas


def _zip(canvas: Plane, rng: np.random.Generator) -> Plane:
    """Teeth in a row, on one side or two: zippers, chains, staples in a line."""
    side = canvas.shape[0]
    start, angle = rng.uniform(0, side, 2), float(rng.uniform(0, 2 * np.pi))
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    step, tooth, bend = float(rng.uniform(4, 16)), float(rng.uniform(3, 14)), float(rng.normal(0, 0.01))
    both = rng.random() < 0.6
    for index in range(int(rng.integers(6, 40))):
        middle = start + along * step * index + across * bend * (step * index) ** 2 / 10
        side_of = 1 if not both or index % 2 else -1
        ends = (np.array([middle, middle + across * tooth * side_of]) * (1 << _SHIFT)).astype(np.int32)
        cv2.line(canvas, ends[0].tolist(), ends[1].tolist(), 1.0, max(1, int(step * 0.4)), cv2.LINE_AA, _SHIFT)
    return canvas


def _hooks(canvas: Plane, rng: np.random.Generator) -> Plane:
    """Small loops and bars side by side: hooks and eyes, buckles, snaps, the inside of a pacemaker."""
    side = canvas.shape[0]
    corner, size = rng.uniform(0, side, 2), float(rng.uniform(8, 34))
    thick = int(rng.integers(1, 5))
    for row in range(int(rng.integers(1, 4))):
        for column in range(int(rng.integers(1, 4))):
            middle = [int(v) for v in corner + np.array([column * size * 1.6, row * size * 1.4]) + rng.normal(0, 2, 2)]
            axes = (int(size * rng.uniform(0.3, 0.6)), int(size * rng.uniform(0.15, 0.5)))
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(canvas, middle, axes, turn, 0, float(rng.choice([360, 250, 180])), 1.0, thick, cv2.LINE_AA)
            if rng.random() < 0.5:
                end = [int(middle[0] + rng.normal(0, size)), int(middle[1] + rng.normal(0, size * 0.3))]
                cv2.line(canvas, middle, end, 1.0, thick, cv2.LINE_AA)
    return canvas


def _coil(canvas: Plane, rng: np.random.Generator) -> Plane:
    """A wavy or coiled wire: springs, sternal wires, stents."""
    side = canvas.shape[0]
    start, angle = rng.uniform(0, side, 2), float(rng.uniform(0, 2 * np.pi))
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    t = np.linspace(0, float(rng.uniform(4, 30)), 300)[:, None]
    width, pitch = float(rng.uniform(3, 16)), float(rng.uniform(2, 8))
    curve = (
        start
        + along * t * pitch
        + (across * np.sin(t * 2) + along * np.cos(t * 2) * float(rng.uniform(0, 1.2))) * width
    )
    cv2.polylines(
        canvas, [(curve * (1 << _SHIFT)).astype(np.int32)], False, 1.0, int(rng.integers(1, 4)), cv2.LINE_AA, _SHIFT
    )
    return canvas
