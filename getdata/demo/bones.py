"""The skeleton on a frontal projection: ribs, spine and shoulder girdle.

Each function returns mm of soft-tissue-equivalent path.  Coordinates as in ``frontal``.
"""

from __future__ import annotations

import numpy as np

from getdata.demo.canvas import Array, Canvas, smooth_curve
from getdata.demo.patient import LEFT, RIGHT, Build


def rib_curve(b: Build, number: int, side: float) -> Array:
    """One rib from its head at the spine round the side to its cartilage."""
    if number == 1:  # short, flat and steep: it rings the apex
        ring = [(14, -7), (30, -12), (46, -8), (57, 6), (56, 22), (45, 36), (28, 46)]
        points = [(side * px * b.width, py) for px, py in ring]
        return smooth_curve(points, per_segment=7)
    start = -13 + 20.3 * (number - 1)
    drop = (16 + 5.6 * min(number, 8)) * b.tilt
    reach = (26 + 9.0 * min(number, 7)) * b.tilt
    y_side = start + drop
    half = float(b.lateral(y_side)) + 2
    phi = np.linspace(0.10, np.pi / 2, 26)
    back_x = half * np.sin(phi)
    arch = (10 - 0.45 * number) * np.sin(2 * phi)
    back_y = start + drop * (1 - np.cos(phi)) ** 1.1 - arch
    if number > 10:
        keep = 15 if number == 11 else 9
        return np.stack([side * back_x[:keep], back_y[:keep]], 1).astype(np.float32)
    last = np.pi - np.arcsin(min(0.9, 0.46 + 0.045 * number))
    front = np.linspace(np.pi / 2, last, 22)[1:]
    front_x = half * np.sin(front)
    front_y = y_side + reach * (-np.cos(front)) ** 1.25 * 1.2
    xs, ys = np.concatenate([back_x, front_x]), np.concatenate([back_y, front_y])
    return np.stack([side * xs, ys], 1).astype(np.float32)


def ribs(c: Canvas, b: Build, rng: np.random.Generator) -> Array:
    """All ribs, posterior parts denser than anterior ones."""
    image = c.zeros()
    density = 1.0 - max(0, b.age - 60) * 0.006 - (0.06 if b.sex == "F" else 0)
    for side in (RIGHT, LEFT):
        for number in range(1, 13):
            curve = rib_curve(b, number, side)
            curve = curve + rng.normal(0, 0.8, 2).astype(np.float32)
            radius = float(np.interp(number, [1, 2, 7, 12], [6.2, 5.2, 6.0, 4.2])) * b.width
            whole = number <= 10
            c.tube(
                image,
                curve,
                radius_mm=radius * rng.uniform(0.94, 1.06),
                wall_mm=1.15,
                cortical=2.5 * density,
                marrow=0.36 * density,
                # Narrow at the neck, flat and wide where bone turns into cartilage.
                taper=(0.72, 0.95, 1.0, 1.05, 1.02, 1.1, 1.2) if whole else (0.8, 1.0, 0.7),
                gain=(0.12, 0.85, 1.0, 1.0, 0.85, 0.66, 0.40, 0.05) if whole else (0.2, 0.9, 0.5),
            )
    return c.blur(image, 0.45)


def spine(c: Canvas, b: Build, rng: np.random.Generator) -> Array:
    """Vertebral bodies with end plates, pedicles and spinous processes."""
    image = c.zeros()
    bend = rng.normal(0, 2.0)
    for level in range(-5, 21):
        y = -12 + 20.6 * (level - 1) + 0.18 * max(0, level - 9) * (level - 9)
        x = bend * np.sin((y + 40) / 90)
        half = float(np.interp(level, [-3, 1, 12, 16], [12, 14.5, 18, 20])) * b.width
        tall = float(np.interp(level, [-3, 1, 12, 16], [6.0, 7.6, 9.4, 10.5]))
        shape = [
            (x - half, y - tall),
            (x - half * 0.88, y),
            (x - half, y + tall),
            (x, y + tall * 0.9),
            (x + half, y + tall),
            (x + half * 0.88, y),
            (x + half, y - tall),
            (x, y - tall * 0.9),
        ]
        outline = smooth_curve(shape, closed=True, per_segment=5)
        image += 11 * c.polygon(outline, soft_mm=0.8)
        edge = np.vstack([outline, outline[:1]])
        c.tube(image, edge, radius_mm=1.2, wall_mm=1.0, cortical=2.0, marrow=1.0)
        for side in (RIGHT, LEFT):
            pedicle = (x + side * half * 0.62, y - tall * 0.25)
            image += 7 * c.ellipsoid(pedicle, (2.8, 4.2), power=0.25)
            # Transverse process, which the rib meets.
            tip = np.asarray([(x + side * half * 0.7, y - 2), (x + side * half * 1.5, y - 4)])
            c.tube(
                image,
                tip.astype(np.float32),
                radius_mm=3.4,
                wall_mm=0.8,
                cortical=1.4,
                marrow=0.3,
                gain=(0.9, 0.7),
            )
        spinous = (x + rng.normal(0, 0.5), y + tall * 0.95)
        image += 9 * c.ellipsoid(spinous, (2.6, 5.6), power=0.4)
    return c.blur(image, 0.6)


def shoulder_girdle(c: Canvas, b: Build, rng: np.random.Generator) -> Array:
    """Clavicles, scapulae and humeral heads."""
    image = c.zeros()
    w = b.width
    for side in (RIGHT, LEFT):
        lift = b.clavicle_lift + rng.normal(0, 1.2)
        s_curve = [
            (11 + side * b.centre_shift, 31 - 0.45 * lift),
            (32, 26 - 0.7 * lift),
            (62, 17 - lift),
            (92, 11 - lift),
            (122, 3 - 0.8 * lift),
            (148, -8 - 0.4 * lift),
        ]
        curve = smooth_curve([(side * px * (w if px > 20 else 1), py) for px, py in s_curve])
        c.tube(
            image,
            curve,
            radius_mm=5.7 * w,
            wall_mm=1.4,
            cortical=2.2,
            marrow=0.55,
            taper=(1.5, 1.12, 0.95, 0.92, 1.05, 1.15),
            gain=(0.8, 1.0, 1.05, 1.05, 0.95, 0.8),
        )
        # Scapula: a thin blade with a dense lateral border, its spine, glenoid and coracoid.
        move = b.scapula_shift + rng.normal(0, 2)
        blade = [
            (142, 8),
            (128, 20),
            (126, 48),
            (129, 84),
            (136, 122),
            (143, 127),
            (148, 112),
            (153, 78),
            (160, 44),
            (166, 22),
            (158, 8),
        ]
        points = [(side * (px * w - move), py) for px, py in blade]
        outline = smooth_curve(points, closed=True, per_segment=6)
        image += 3.2 * c.polygon(outline, soft_mm=0.8)
        border = smooth_curve(points[4:10])
        c.tube(image, border, radius_mm=4.0, wall_mm=1.3, cortical=1.7, marrow=0.7)
        medial = smooth_curve(points[1:5])
        c.tube(image, medial, radius_mm=1.5, wall_mm=1.0, cortical=1.5, marrow=0.6)
        ridge = [(128, 34), (140, 24), (154, 12), (166, -4)]
        spine_curve = smooth_curve([(side * (px * w - move * 0.9), py) for px, py in ridge])
        c.tube(
            image,
            spine_curve,
            radius_mm=4.2,
            wall_mm=1.1,
            cortical=1.5,
            marrow=0.4,
            taper=(0.6, 1.3),
            gain=(0.6, 1.1),
        )
        coracoid = (side * (148 * w - move * 0.6), 9.0)
        image += 9 * c.ellipsoid(coracoid, (7, 5), angle=side * -25, power=0.4)
        head = (side * (176 * w - move * 0.35), 20.0)
        image += 24 * c.ellipsoid(head, (24, 25), power=0.5)
        ring = head[0] + 23 * np.cos(np.linspace(0, 6.4, 50))
        circle = np.stack([ring, head[1] + 24 * np.sin(np.linspace(0, 6.4, 50))], 1)
        c.tube(image, circle.astype(np.float32), radius_mm=1.3, wall_mm=1.0, cortical=1.6, marrow=0.9)
        shaft = [(side * (180 * w - move * 0.3), 40), (side * 196 * w, 110), (side * 208 * w, 200)]
        c.tube(
            image,
            smooth_curve(shaft),
            radius_mm=12,
            wall_mm=3.4,
            cortical=1.6,
            marrow=0.4,
            taper=(1.5, 1.0, 1.0),
            gain=(0.1, 0.8, 1.0, 1.0),
        )
    return c.blur(image, 0.5)
