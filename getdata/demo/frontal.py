"""Frontal chest anatomy (PA and AP) as path lengths in millimetres of soft tissue.

Coordinates: millimetres, x = 0 on the midline and positive towards the patient's left (the right
edge of the picture), y = 0 at the lung apices and growing downwards.  Proportions follow ordinary
adult radiographs: carina near y = 95, right dome near y = 205 on full inspiration, inner thorax
about 270 mm wide, heart about 45 % of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from getdata.demo.canvas import Array, Canvas, band_noise, smooth_curve

RIGHT, LEFT = -1.0, 1.0


@dataclass
class Anatomy:
    """A drawn patient.  ``tissue`` is soft-tissue-equivalent path in mm, ``metal`` is 0 to 1."""

    canvas: Canvas
    tissue: Array
    lung: Array  # 0 to 1: aerated lung as seen in projection
    lung_depth: Array  # mm of lung crossed
    metal: Array
    vessels: Array
    landmarks: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """What differs between patients and between views."""

    sex: str
    age: int
    width: float  # of the thorax, 1 is a man's
    dome_right: float  # y in mm
    dome_left: float
    heart: float  # cardiothoracic ratio asked for
    thickness: float  # mm of body at the chest
    tilt: float  # how steeply ribs fall, 1 is PA
    clavicle_lift: float  # mm upwards
    scapula_shift: float  # mm towards the midline
    centre_shift: float  # rotation: mediastinal shift in mm

    @classmethod
    def draw(
        cls, rng: np.random.Generator, *, view: str, sex: str, age: int, cardiomegaly: bool
    ) -> Build:
        """A plausible patient for this seed."""
        ap = view == "AP"
        heart = rng.normal(0.45, 0.02) + (0.05 if ap else 0) + max(0, age - 60) * 0.001
        if cardiomegaly:
            heart = rng.uniform(0.58, 0.66)
        else:
            heart = min(heart, 0.54 if ap else 0.49)
        dome = rng.normal(206, 5) - (15 if ap else 0)
        return cls(
            sex=sex,
            age=age,
            width=(0.9 if sex == "F" else 1.0) * rng.normal(1, 0.025),
            dome_right=dome,
            dome_left=dome + rng.uniform(6, 15),
            heart=float(heart),
            thickness=rng.normal(218 if sex == "M" else 200, 12),
            tilt=rng.uniform(0.9, 1.08) * (0.78 if ap else 1),
            clavicle_lift=rng.uniform(-3, 4) + (16 if ap else 0),
            scapula_shift=rng.uniform(0, 8) + (38 if ap else 0),
            centre_shift=rng.normal(0, 2.5 if ap else 1.2),
        )

    def lateral(self, y: Array | float) -> Array:
        """Half width of the inner thorax at height y, in mm."""
        ys = [-6, 0, 10, 28, 50, 85, 125, 165, 200, 250, 330]
        xs = [30, 48, 66, 88, 105, 121, 131, 136, 138, 137, 136]
        return np.asarray(np.interp(y, ys, xs), np.float32) * self.width


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
    outer = [(float(b.lateral(y)), y) for y in (12, 30, 55, 90, 130, 165, 195)]
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
        c.tube(
            image, circle.astype(np.float32), radius_mm=1.3, wall_mm=1.0, cortical=1.6, marrow=0.9
        )
        shaft = [(side * (180 * w - move * 0.3), 40), (side * 196 * w, 110), (side * 208 * w, 200)]
        c.tube(
            image, smooth_curve(shaft), radius_mm=12, wall_mm=3.4, cortical=1.6, marrow=0.4,
            taper=(1.5, 1.0, 1.0), gain=(0.1, 0.8, 1.0, 1.0),
        )
    return c.blur(image, 0.5)


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

    field = lung > 0.3

    def inside(px: float, py: float) -> bool:
        row, col = int(py / c.mm + c.origin[1]), int(px / c.mm + c.origin[0])
        return 0 <= row < c.rows and 0 <= col < c.cols and bool(field[row, col])

    def grow(px: float, py: float, angle: float, radius: float, layer: int, depth: int) -> None:
        steps = int(rng.integers(3, 6))
        for _ in range(steps):
            length = rng.uniform(3.0, 5.0) + radius
            nx, ny = px + length * np.cos(angle), py + length * np.sin(angle)
            if depth > 1 and not inside(nx, ny):
                return
            segments[layer].append((px, py, nx, ny, radius))
            px, py, radius = nx, ny, radius * 0.945
            angle += rng.normal(0, 0.10)
            if depth >= 2 and rng.random() < 0.25:
                grow(px, py, angle + rng.choice([-1, 1]) * rng.uniform(0.5, 0.9), radius * 0.5,
                     layer, depth + 2)
        if radius < 0.33 or depth > 9:
            return
        spread = rng.uniform(0.22, 0.5)
        share = rng.uniform(0.62, 0.86)
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
        c.tube(image, smooth_curve(lower), radius_mm=7, wall_mm=1, cortical=1, marrow=1,
               taper=(1.15, 1.0, 0.7), gain=(0.8, 0.95, 0.25))
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
        bubbles.append(
            (rng.uniform(20, 105), top + rng.uniform(40, 90), radius * 1.3, radius, 11.0)
        )
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
