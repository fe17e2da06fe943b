"""Lateral chest anatomy (left lateral, LL) as path lengths in millimetres of soft tissue.

Coordinates as in ``frontal`` except that x runs from the sternum (negative, left edge of the
picture) to the spine (positive).  Both lungs, both sets of ribs and both domes are superimposed,
as they are on the real projection.
"""

from __future__ import annotations

import numpy as np

from getdata.demo.canvas import Array, Canvas, band_noise, smooth_curve
from getdata.demo.frontal import lung_texture
from getdata.demo.patient import Anatomy, Build


def _outline(b: Build) -> Array:
    """The skin line: neck, chest, abdomen, back."""
    bust = 14 if b.sex == "F" else 0
    front = [
        (-34, -140), (-34, -60), (-46, -22), (-74, 14), (-98, 60), (-112 - bust * 0.5, 110),
        (-116 - bust, 160), (-114 - bust * 0.4, 210), (-118, 270), (-126, 380),
    ]  # fmt: skip
    back = [
        (112, 380), (116, 270), (126, 190), (136, 120), (134, 60), (118, 16), (84, -20), (60, -60),
        (56, -140),
    ]  # fmt: skip
    return np.vstack([smooth_curve(front), smooth_curve(back)])


def _lung(b: Build, dome: float, shift: float) -> Array:
    points = [
        (6, -2), (-22, 8), (-50, 34), (-72, 70), (-86, 112), (-92, 160), (-90, dome - 12),
        (-60, dome - 10), (-26, dome - 4), (14, dome + 4), (54, dome + 20), (84, dome + 42),
        (100, dome + 60), (107, dome + 46), (106, 170), (106, 110), (96, 60), (68, 22), (36, 2),
    ]  # fmt: skip
    return smooth_curve([(x + shift, y) for x, y in points], closed=True, per_segment=8)


def _heart(b: Build) -> Array:
    s = b.heart / 0.45
    base = b.dome_left
    points = [
        (-20, 118), (-52 * s**0.4, 128), (-76 * s**0.3, 158), (-84 * s**0.2, base - 8),
        (-60, base + 8), (-14, base + 8), (14 * s, base - 8), (22 * s, 172), (14 * s, 142),
        (6, 120),
    ]  # fmt: skip
    return smooth_curve(points, closed=True, per_segment=8)


def _vertebrae(c: Canvas, rng: np.random.Generator) -> Array:
    image = c.zeros()
    ys = np.asarray([-80, -20, 20, 90, 160, 230, 300, 380])
    xs = np.asarray([18, 30, 56, 86, 90, 76, 58, 46])
    for level in range(-4, 20):
        y = -10 + 21.0 * (level - 1) + 0.2 * max(0, level - 9) * (level - 9)
        x = float(np.interp(y, ys, xs))
        slope = float(np.interp(y + 8, ys, xs) - np.interp(y - 8, ys, xs)) / 16
        half = float(np.interp(level, [-2, 1, 12, 16], [8, 10, 15, 17]))
        tall = float(np.interp(level, [-2, 1, 12, 16], [6.5, 8.0, 10.0, 11]))
        corners = [
            (-half, -tall), (-half * 0.86, 0), (-half, tall), (0, tall * 0.88), (half, tall),
            (half * 0.9, 0), (half, -tall), (0, -tall * 0.88),
        ]  # fmt: skip
        # The body leans with the curve of the spine.
        points = [(x + u + slope * v, y + v - slope * u) for u, v in corners]
        outline = smooth_curve(points, closed=True, per_segment=5)
        image += 16 * c.polygon(outline, soft_mm=0.8)
        c.tube(image, np.vstack([outline, outline[:1]]), radius_mm=1.3, wall_mm=1.0, cortical=2.6, marrow=1.4)
        arch = [(x + half, y - 2), (x + half + 12, y + 2), (x + half + 22, y + 12)]
        c.tube(
            image,
            smooth_curve(arch),
            radius_mm=5.0,
            wall_mm=1.2,
            cortical=1.3,
            marrow=0.4,
            taper=(0.9, 1.1, 0.7),
            gain=(1.0, 0.9, 0.5),
        )
    return c.blur(image, 0.6)


def _ribs(c: Canvas, b: Build, rng: np.random.Generator) -> Array:
    image = c.zeros()
    for number in range(1, 12):
        start = -6 + 20.6 * (number - 1)
        for copy in (0, 1):
            # The side away from the detector is magnified and a little displaced.
            grow, down = (1.0, 0.0) if copy == 0 else (1.05, 5.0 + rng.normal(0, 1.5))
            back = float(np.interp(start, [-10, 20, 90, 160, 230], [52, 88, 112, 116, 106])) * grow
            front = float(np.interp(start, [-10, 20, 80, 130, 200], [-20, -48, -76, -88, -92]))
            fall = 46 + 5.5 * min(number, 8)
            points = [
                (back - 18, start - 4 + down),
                (back - 3, start + 4 + down),
                (back - 4, start + 14 + down),
                (back - 34, start + fall * 0.40 + down),
                ((back + front) / 2, start + fall * 0.68 + down),
                (front * 0.55 + back * 0.1, start + fall * 0.9 + down),
                (front, start + fall * (1.0 if number > 6 else 1.02) + down),
            ]
            if number > 9:
                points = points[:5]
            c.tube(
                image,
                smooth_curve(points),
                radius_mm=5.0,
                wall_mm=1.05,
                cortical=1.7,
                marrow=0.22,
                taper=(0.9, 1.0, 1.05, 1.1),
                gain=(1.0, 0.95, 0.6, 0.42, 0.12),
            )
    return c.blur(image, 0.6 if b.sex == "M" else 0.75)


def _sternum(c: Canvas) -> Array:
    image = c.zeros()
    manubrium = smooth_curve([(-58, 26), (-66, 40), (-76, 60)])
    gladiolus = smooth_curve([(-78, 64), (-90, 96), (-98, 130), (-101, 158)])
    for part, radius in ((manubrium, 6.5), (gladiolus, 5.2)):
        c.tube(image, part, radius_mm=radius, wall_mm=1.4, cortical=3.2, marrow=1.0)
    c.tube(
        image, smooth_curve([(-101, 162), (-101, 184)]), radius_mm=3, wall_mm=1, cortical=1.5, marrow=0.7, gain=(1, 0.4)
    )
    return c.blur(image, 0.6)


def _upper_limbs(c: Canvas) -> Array:
    """Raised arms over the neck, and the two scapular borders over the back."""
    image = c.zeros()
    for dx, dy in ((0, 0), (-14, -8)):
        humerus = smooth_curve([(30 + dx, 16 + dy), (2 + dx, -40 + dy), (-30 + dx, -120 + dy)])
        c.tube(image, humerus, radius_mm=12, wall_mm=3.2, cortical=1.2, marrow=0.4, taper=(1.5, 1.05, 0.9))
        blade = smooth_curve([(46 + dx, 4 + dy), (88 + dx, 46 + dy), (108 + dx, 118 + dy)])
        c.tube(
            image,
            blade,
            radius_mm=3.6,
            wall_mm=1.2,
            cortical=1.5,
            marrow=0.5,
            taper=(1.6, 1.0, 0.8),
            gain=(0.9, 1.0, 0.6),
        )
    return c.blur(image, 0.6)


def _hilum(c: Canvas, rng: np.random.Generator, lung: Array) -> Array:
    image = c.zeros()
    segments: list[tuple[float, float, float, float, float]] = []
    for _ in range(26):
        angle = rng.uniform(0, 2 * np.pi)
        x, y, radius = 6 + rng.normal(0, 6), 112 + rng.normal(0, 8), rng.uniform(1.3, 2.9)
        pending = [(x, y, angle, radius, 0)]
        while pending:
            px, py, turn, r, depth = pending.pop()
            for _ in range(4):
                nx, ny = px + (4 + r) * np.cos(turn), py + (4 + r) * np.sin(turn)
                segments.append((px, py, nx, ny, r))
                px, py, r, turn = nx, ny, r * 0.95, turn + rng.normal(0, 0.12)
            if r > 0.4 and depth < 6:
                spread = rng.uniform(0.2, 0.5)
                pending.append((px, py, turn - spread, r * 0.8, depth + 1))
                pending.append((px, py, turn + spread, r * 0.66, depth + 1))
    image += 2.0 * c.blur(c.strokes(segments), 0.6) * (lung > 0.3)
    image += 20 * c.ellipsoid((-4, 112), (15, 13), angle=20, power=0.7)
    image += 18 * c.ellipsoid((14, 118), (11, 20), angle=-12, power=0.7)
    image += 12 * c.ellipsoid((4, 100), (20, 6), angle=-25, power=0.8)  # left pulmonary artery
    return image


def draw_lateral(c: Canvas, b: Build, rng: np.random.Generator) -> Anatomy:
    """A whole lateral chest without findings or devices."""
    x, y = c.grid()
    outline = _outline(b)
    wide = np.interp(y, [-140, -50, -15, 20, 60, 150, 400], [108, 116, 240, 330, 300, 290, 290])
    tissue = c.dome(outline, radius_mm=70) * wide.astype(np.float32) * (b.width * 0.92)
    arms = smooth_curve([(-30, 0), (-66, -60), (-90, -150), (20, -150), (40, -60), (60, 0)], closed=True)
    tissue = c.blur(np.maximum(tissue, 150 * c.dome(arms, radius_mm=34)), 2.0)

    near = c.polygon(_lung(b, b.dome_left, 0), soft_mm=0.8)
    far = c.polygon(_lung(b, b.dome_right, 3), soft_mm=0.8)
    each = np.interp(y, [-5, 20, 60, 120, 260], [26, 58, 92, 112, 122]).astype(np.float32)
    # Lungs are widest in their middle and thin out before the sternum and over the gutter.
    shape = np.clip(1 - ((x - 8) / 112) ** 4, 0.12, 1).astype(np.float32)
    heart = _heart(b)
    lump = c.blur(c.dome(heart, radius_mm=38), 1.0)
    middle = smooth_curve(
        [(-34, -30), (-30, 30), (-46, 74), (-40, 122), (14, 122), (36, 90), (34, 30), (44, -30)], closed=True
    )
    great = c.blur(c.polygon(middle, soft_mm=5), 7)
    depth = (near + far) * each * shape * b.width
    depth = depth * (1 - 0.52 * lump) * (1 - 0.30 * great)
    lung = np.maximum(near, far)
    tree = _hilum(c, rng, lung)
    aerated = np.clip(depth / 80, 0, 1)
    tissue = tissue - 0.72 * depth + tree * (0.3 + 0.7 * aerated)
    tissue = tissue + lung_texture(c, rng) * aerated * 1.7

    trachea = smooth_curve([(-6, -90), (-2, -30), (8, 30), (18, 92)])
    d, _, rows, cols = c.distance(trachea, reach_mm=10)
    if d.size:
        tissue[rows, cols] -= c_air(d, 8.0)
    for centre, radius in (((21, 100), 5.2), ((19, 116), 4.6)):  # upper-lobe bronchi end on
        tissue -= 9 * c.ellipsoid(centre, (radius, radius), power=0.4)
    top = b.dome_left + 14
    tissue = tissue - c.blur(30 * c.ellipsoid((-34, top + 16), (34, 13), power=0.5), 1.8)
    bones = _ribs(c, b, rng) + _vertebrae(c, rng) + _sternum(c) + _upper_limbs(c)
    grain = band_noise(rng, (c.rows, c.cols), fine=0.5 / c.mm, coarse=1.4 / c.mm)
    tissue = tissue + 1.25 * bones + 0.07 * grain * np.minimum(bones, 11)
    soft = band_noise(rng, (c.rows, c.cols), fine=5 / c.mm, coarse=16 / c.mm)
    tissue = np.asarray(tissue * (1 + 0.012 * soft), np.float32)
    marks = {
        "heart_left": float(heart[:, 0].min()),
        "heart_right": float(heart[:, 0].max()),
        "heart_top": float(heart[:, 1].min()),
        "heart_bottom": float(heart[:, 1].max()),
    }
    return Anatomy(c, tissue, lung, np.asarray(depth, np.float32), c.zeros(), tree, marks)


def c_air(distance: Array, radius: float) -> Array:
    """Air in mm through a tube of ``radius`` mm at ``distance`` from its middle."""
    return np.asarray(2.6 * np.sqrt(np.clip(radius**2 - distance**2, 0, None)), np.float32)
