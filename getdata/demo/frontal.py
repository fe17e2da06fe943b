"""Frontal chest anatomy (PA and AP) as path lengths in millimetres of soft tissue.

Coordinates: millimetres, x = 0 on the midline and positive towards the patient's left (the right
edge of the picture), y = 0 at the lung apices and growing downwards.  Proportions follow ordinary
adult radiographs: carina near y = 95, right dome near y = 205 on full inspiration, inner thorax
about 270 mm wide, heart about 45 % of it.
"""

from __future__ import annotations

import math
import random

import numpy as np

from getdata.demo.bones import ribs, shoulder_girdle, spine
from getdata.demo.canvas import Array, Canvas, band_noise, smooth_curve
from getdata.demo.patient import LEFT, RIGHT, Anatomy, Build


def body(c: Canvas, b: Build) -> Array:
    """Thickness of the body without air: torso with neck and shoulders, and the arms."""
    _, y = c.grid()
    w = b.width
    half = [
        (52, -120), (54, -72), (62, -54), (84, -42), (116, -32), (146, -22), (172, -4), (190, 24),
        (186, 60), (170, 92), (164, 130), (164, 200), (168, 280), (174, 420),
    ]  # fmt: skip
    right = smooth_curve([(-px * w, py) for px, py in half])
    left = smooth_curve([(px * w, py) for px, py in half])[::-1]
    deep = np.interp(
        y,
        [-90, -40, -20, 0, 25, 60, 100, 200, 400],
        [118, 124, 140, 156, 172, 194, 210, 218, 214],
    )
    torso = c.dome(np.vstack([right, left]), radius_mm=62) * deep.astype(np.float32)
    arms = c.zeros()
    for side in (RIGHT, LEFT):
        arm = [(160, 2), (190, 16), (214, 60), (236, 200), (190, 200), (178, 100), (166, 60)]
        outline = smooth_curve([(side * px * w, py) for px, py in arm], closed=True)
        arms = np.maximum(arms, 96 * c.dome(outline, radius_mm=40))
    thickness = np.maximum(torso * (b.thickness / 215), arms)
    return c.blur(thickness, 2.0)


def lung_outline(b: Build, side: float) -> Array:
    """The outline of one lung down to its dome, in mm."""
    dome = b.dome_right if side == RIGHT else b.dome_left
    outer: list[tuple[float, float]] = [(float(b.lateral(y)), y) for y in (12, 30, 55, 90, 130, 165, 195)]
    outer.append((float(b.lateral(dome)) * 1.0, dome + 20))
    w = b.width
    angle = [(136 * w, dome + 38)]
    lower = [(122 * w, dome + 17), (100 * w, dome + 4), (72 * w, dome - 1), (45 * w, dome + 2)]
    medial = [(20, dome + (8 if side == RIGHT else 0)), (9, dome - 30), (8, 120), (9, 70), (12, 30), (22, 6), (38, -2)]
    points = [(30, 0), (48 * w, -1), *outer, *angle, *lower, *medial[:-1]]
    curve = smooth_curve(points, closed=True, per_segment=8)
    return np.asarray(curve * np.asarray([side, 1], np.float32), np.float32)


def heart_outline(b: Build) -> Array:
    """Heart and great vessels, scaled so that the cardiothoracic ratio is ``b.heart``."""
    width = 2 * float(b.lateral(b.dome_right))
    s = b.heart * width / 131.0  # the drawn heart is 44 + 87 mm wide
    up = b.dome_right - 206
    down = b.dome_left - 216
    older = max(0.0, b.age - 45) / 10  # an unfolding aorta
    low = [
        (-33 * s, 130 + up * 0.3),
        (-41 * s, 151 + up * 0.6),
        (-44 * s, 173 + up * 0.8),
        (-39 * s, 196 + up),
        (-28 * s, 214 + up),
        (0, 232 + down),
        (45 * s, 236 + down),
        (74 * s, 230 + down),
        (85 * s, 212 + down),
        (87 * s, 196 + down),
        (80 * s, 171 + up * 0.8),
        (66 * s**0.9, 147 + up * 0.6),
        (51 * s**0.4, 128 + up * 0.3),
    ]
    vessels = [
        (44, 115),
        (43, 106),
        (38, 98),
        (37 + older, 92),
        (41 + 1.6 * older, 83),
        (41 + 1.8 * older, 73),
        (34 + older, 63),
        (26, 48),
        (25, 25),
        (33, 2),
        (52, -24),
        (60, -70),
        (-60, -70),
        (-52, -24),
        (-32, 2),
        (-24, 28),
        (-22, 48),
        (-25 - older * 0.6, 70),
        (-27 - older * 0.8, 100),
    ]
    shift = np.asarray([b.centre_shift, 0], np.float32)
    return np.asarray(smooth_curve([*low, *vessels], closed=True, per_segment=8) + shift)


def lungs(c: Canvas, b: Build) -> tuple[Array, Array]:
    """(mask 0 to 1, depth in mm) of aerated lung, mediastinum and heart already taken out."""
    x, y = c.grid()
    edge = b.lateral(y)
    u = np.abs(x) / np.maximum(edge, 1)
    depth = np.interp(y, [-8, 5, 40, 90, 150, 300], [34, 62, 104, 138, 150, 150])
    depth = (depth * b.thickness / 215).astype(np.float32)
    path = depth * np.clip(1 - u**2.6, 0, None) ** 0.5
    # Towards the midline the lungs thin out in front of and behind the heart.
    path = path * np.clip(0.35 + np.abs(x) / 62, 0, 1)
    mask = np.maximum(
        c.polygon(lung_outline(b, RIGHT), soft_mm=0.7),
        c.polygon(lung_outline(b, LEFT), soft_mm=0.7),
    )
    # The posterior recess reaches below the dome and is seen through liver and spleen.
    recess = c.zeros()
    for side, dome in ((RIGHT, b.dome_right), (LEFT, b.dome_left)):
        ring = [
            (side * 22, dome + 10),
            (side * 70 * b.width, dome - 4),
            (side * 137 * b.width, dome + 25),
            (side * 132 * b.width, dome + 42),
            (side * 85 * b.width, dome + 46),
            (side * 24, dome + 36),
        ]
        recess = np.maximum(recess, c.polygon(smooth_curve(ring, closed=True), soft_mm=7))
    outline = heart_outline(b)
    heart = c.blur(c.dome(outline, radius_mm=34), 0.9)
    upper = c.polygon(outline, soft_mm=0.9)
    # Above the carina the mediastinum leaves no lung; the heart leaves some behind it.
    solid = np.interp(y, [60, 120, 160], [1.0, 0.92, 0.80]).astype(np.float32)
    blocked = np.maximum(heart, 0.55 * upper) * solid
    aerated = np.maximum(path * mask, 0.16 * depth * recess * np.clip(1 - u**6, 0, 1))
    visible = mask * (1 - np.minimum(1, upper))
    return visible, aerated * (1 - np.clip(blocked, 0, 1))


def airways(c: Canvas, b: Build) -> Array:
    """Air in mm: trachea to the carina at y = 95, then the two main bronchi."""
    air = c.zeros()
    dx = b.centre_shift
    trachea = smooth_curve([(0, -70), (0.5, -20), (2 + dx * 0.4, 30), (1.5 + dx, 92)])
    d, _, rows, cols = c.distance(trachea, reach_mm=10)
    if d.size:
        # Cartilage rings give the wall its slight ripple.
        air[rows, cols] = 2.4 * np.sqrt(np.clip(8.6**2 - d**2, 0, None))
    for side, end, radius in ((RIGHT, (-31, 116), 6.6), (LEFT, (43, 119), 5.6)):
        curve = smooth_curve([(1.5 + dx, 88), (side * 12 + dx, 101), end])
        d, t, rows, cols = c.distance(curve, reach_mm=8)
        if d.size:
            taper = radius * (1 - 0.25 * t)
            bronchus = 1.9 * np.sqrt(np.clip(taper**2 - d**2, 0, None)) * (1 - 0.35 * t)
            air[rows, cols] = np.maximum(air[rows, cols], bronchus)
    return c.blur(air, 0.8)


def vessels(c: Canvas, b: Build, rng: np.random.Generator, lung: Array) -> Array:
    """Hila and the branching vessels of both lungs, in mm of tissue."""
    image = c.zeros()
    segments: list[list[tuple[float, float, float, float, float]]] = [[], [], []]

    aerated = lung > 0.3

    def inside(px: float, py: float) -> bool:
        row, col = int(py / c.mm + c.origin[1]), int(px / c.mm + c.origin[0])
        return 0 <= row < c.rows and 0 <= col < c.cols and bool(aerated[row, col])

    # The standard library's generator: one number at a time, it is several times faster.
    dice = random.Random(int(rng.integers(1 << 32)))  # noqa: S311 - a picture, no secret

    def grow(px: float, py: float, angle: float, radius: float, layer: int, depth: int) -> None:
        for _ in range(dice.randrange(3, 6)):
            length = dice.uniform(3.0, 5.0) + radius
            nx, ny = px + length * math.cos(angle), py + length * math.sin(angle)
            if depth > 1 and not inside(nx, ny):
                return
            segments[layer].append((px, py, nx, ny, radius))
            px, py, radius = nx, ny, radius * 0.945
            angle += dice.gauss(0, 0.10)
            if depth >= 2 and dice.random() < 0.25:
                turn = dice.choice((-1, 1)) * dice.uniform(0.5, 0.9)
                grow(px, py, angle + turn, radius * 0.5, layer, depth + 2)
        if radius < 0.33 or depth > 9:
            return
        spread = dice.uniform(0.22, 0.5)
        share = dice.uniform(0.62, 0.86)
        grow(px, py, angle - spread * (1.3 - share), radius * share, layer, depth + 1)
        grow(px, py, angle + spread * (share + 0.3), radius * (1.42 - share), layer, depth + 1)

    for side, hx, hy in ((RIGHT, -31.0, 116.0), (LEFT, 40.0, 108.0)):
        hx += b.centre_shift
        # Angles from the hilum outwards; the basal vessels are the thickest when standing.
        for angle in (-1.35, -1.0, -0.6, -0.15, 0.3, 0.7, 1.0, 1.25, 1.5):
            big = 3.1 if angle > 0.6 else (2.3 if angle > -0.3 else 1.9)
            direction = angle if side > 0 else np.pi - angle
            for layer in range(3):
                sway = rng.normal(0, 0.12)
                start = (hx + rng.normal(0, 2.5), hy + angle * 7 + rng.normal(0, 2.5))
                grow(*start, direction + sway, big * rng.uniform(0.5, 0.95), layer, 1)
        image += 9 * c.ellipsoid((hx - side * 2, hy + 4), (13, 22), angle=side * -14, power=1.2)
        lower = [(hx - side * 6, hy + 2), (hx + side * 3, hy + 20), (hx + side * 5, hy + 44)]
        c.tube(
            image,
            smooth_curve(lower),
            radius_mm=7,
            wall_mm=1,
            cortical=1,
            marrow=1,
            taper=(1.15, 1.0, 0.7),
            gain=(0.8, 0.95, 0.25),
        )
        image += 9 * c.ellipsoid((hx + side * 5, hy - 12), (6.5, 13), angle=side * 30, power=1.0)
    image = c.blur(image, 1.6)
    for layer, blur_mm in enumerate((0.35, 0.7, 1.2)):
        image += c.blur(c.strokes(segments[layer]), blur_mm) * (2.5 - 0.4 * layer)
    return image


def lung_texture(c: Canvas, rng: np.random.Generator) -> Array:
    """The fine reticular pattern that lungs show between the vessels, zero mean."""
    shape = (c.rows, c.cols)
    fine = band_noise(rng, shape, fine=0.7 / c.mm, coarse=1.8 / c.mm)
    broad = band_noise(rng, shape, fine=2.2 / c.mm, coarse=6.5 / c.mm)
    return np.asarray(0.6 * fine + 0.9 * broad, np.float32)


def breasts(c: Canvas, b: Build, rng: np.random.Generator) -> Array:
    """Breast tissue in mm: soft above, a clear lower and outer margin below."""
    image = c.zeros()
    size = rng.uniform(0.85, 1.2)
    for side in (RIGHT, LEFT):
        cx, cy = side * 84 * b.width, 178 + rng.normal(0, 3)
        shape = c.ellipsoid((cx, cy), (60 * b.width * size, 60 * size), power=0.62)
        _, y = c.grid()
        fade = np.clip((y - (cy - 58)) / 95, 0, 1) ** 1.3
        image += 33 * size * shape * fade.astype(np.float32)
    return c.blur(image, 1.6)


def abdomen(c: Canvas, b: Build, rng: np.random.Generator) -> Array:
    """Gas in mm under the left dome (negative tissue) with a little bowel gas below."""
    top = b.dome_left + 9
    gas = c.zeros()
    bubbles = [(52 * b.width, top + 15, 24.0, 9.0, 26.0), (70 * b.width, top + 17, 20.0, 11.0, 24.0)]
    for _ in range(int(rng.integers(3, 7))):
        radius = rng.uniform(7, 13)
        bubbles.append((rng.uniform(20, 105), top + rng.uniform(40, 90), radius * 1.3, radius, 11.0))
    for px, py, rx, ry, depth in bubbles:
        wobble = rng.normal(0, 3, 2)
        angle = rng.normal(0, 12 if depth > 20 else 60)
        gas += depth * c.ellipsoid((px + wobble[0], py + wobble[1]), (rx, ry), angle=angle)
    return c.blur(gas, 2.2)


def draw_frontal(c: Canvas, b: Build, rng: np.random.Generator) -> Anatomy:
    """A whole frontal chest without findings or devices."""
    lung, depth = lungs(c, b)
    tree = vessels(c, b, rng, lung)
    tissue = body(c, b)
    if b.sex == "F" and b.age >= 14:
        tissue = tissue + breasts(c, b, rng) * (tissue > 1)
    tissue = tissue - 0.74 * depth
    aerated = np.clip(depth / 60, 0, 1)
    tissue = tissue + tree * (0.12 + 0.88 * aerated) * np.clip(depth / 70, 0, 1) ** 0.7
    tissue = tissue + lung_texture(c, rng) * aerated * 1.8
    tissue = tissue - 1.15 * airways(c, b) - abdomen(c, b, rng)
    soft = c.blur(band_noise(rng, (c.rows, c.cols), fine=5 / c.mm, coarse=16 / c.mm), 1)
    tissue = tissue * (1 + 0.012 * soft)
    bones = ribs(c, b, rng) + shoulder_girdle(c, b, rng) + spine(c, b, rng)
    trabecular = band_noise(rng, (c.rows, c.cols), fine=0.5 / c.mm, coarse=1.4 / c.mm)
    tissue = tissue + bones + 0.07 * trabecular * np.minimum(bones, 11)
    half = float(b.lateral(b.dome_right))
    marks = {
        "thorax_width_mm": 2 * half,
        "cardiothoracic_ratio": b.heart,
        "dome_right_mm": b.dome_right,
        "dome_left_mm": b.dome_left,
    }
    return Anatomy(c, tissue, lung, depth, c.zeros(), tree, marks)
