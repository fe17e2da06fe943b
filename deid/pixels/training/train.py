"""Train the text network and write it as ONNX: `python -m deid.pixels.training.train --help`.

Needs PyTorch and onnx (`pip install torch onnx`); the engine runs the result with ONNX Runtime alone.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from deid.pixels.contrast import network_input
from deid.pixels.training.network import TextNet
from deid.pixels.training.scenes import BORDER, CROP, STRIDE, Background, SceneMaker, load_backgrounds
from deid.pixels.training.traps import mark_traps
from deid.pixels.training.typeset import list_fonts
from deid.pixels.training.weights import load_weights

_FONTS_A_FOLDER = 12
Crop = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Scenes(IterableDataset):  # type: ignore[type-arg]
    """An endless stream of (input (2, CROP, CROP), target, weight); each worker draws from a generator of its own."""

    def __init__(self, backgrounds: list[Background], fonts: dict[str, list[str]], seed: int) -> None:
        self.backgrounds, self.fonts, self.seed = backgrounds, fonts, seed

    def __iter__(self) -> Iterator[Crop]:
        worker = get_worker_info()
        torch.set_num_threads(1)
        maker = SceneMaker(self.backgrounds, self.fonts, self.seed * 1000 + (worker.id if worker else 0))
        inner = slice(BORDER, BORDER + CROP)
        while True:
            image, target, weight = maker.make()
            shown = network_input(image)[:, inner, inner]
            if maker.rng.random() < 0.25:
                shown = _mirrored(shown, weight, maker.rng)
            yield torch.from_numpy(np.ascontiguousarray(shown)), torch.from_numpy(target), torch.from_numpy(weight)


def _mirrored(shown: NDArray[np.float32], weight: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The crop with its last rows, columns or both mirrored, grain and all, as images are whose sides are no multiples of the
    network's grid; what is mirrored is cut off afterwards and not judged."""
    rows, columns = (int(v) * STRIDE for v in rng.integers(0, 4, 2))
    weight[CROP // STRIDE - rows // STRIDE :], weight[:, CROP // STRIDE - columns // STRIDE :] = 0, 0
    kept = shown[:, : CROP - rows, : CROP - columns]
    return np.stack([cv2.copyMakeBorder(c, 0, rows, 0, columns, cv2.BORDER_REFLECT_101) for c in kept])


def loss_of(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Cross-entropy over text cells, over the hardest quarter of them, and over the hardest other cells (three for each text
    cell, 400 at least a crop), and Dice."""
    logits = logits[:, 0]
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    text = (target * weight) > 0
    other = torch.where(text, torch.zeros_like(each), each).flatten()
    count = min(other.numel(), int(3 * int(text.sum())) + 400 * target.shape[0])
    hardest = other.topk(count).values
    found, shares = each[text], weight[text].sum().clamp(min=1)
    cross = found.sum() / shares + hardest.mean() * 1.5
    cross = cross + 0.5 * found.topk(found.numel() // 4).values.sum() / shares
    chance = torch.sigmoid(logits) * weight
    overlap = (chance * target).flatten(1).sum(1)
    total = (chance + target * weight).flatten(1).sum(1)
    dice = 1 - (2 * overlap + 20) / (total + 20)
    return cross + dice.mean()


def spread_fonts(fonts: dict[str, list[str]], seed: int) -> dict[str, list[str]]:
    """At most a dozen fonts of a folder for each script, so that one large family does not stand for all."""
    rng, kept = np.random.default_rng(seed), {}
    for script, paths in fonts.items():
        folders: dict[Path, list[str]] = {}
        for path in paths:
            folders.setdefault(Path(path).parent, []).append(path)
        kept[script] = [
            p for each in folders.values() for p in sorted(rng.permutation(each)[:_FONTS_A_FOLDER].tolist())
        ]
    return kept


def train(options: argparse.Namespace) -> None:
    torch.manual_seed(options.seed)
    fonts = spread_fonts(list_fonts(options.fonts), options.seed)
    print({script: len(paths) for script, paths in fonts.items()}, flush=True)
    net = TextNet()
    print(f"{sum(p.numel() for p in net.parameters())} parameters", flush=True)
    backgrounds = load_backgrounds(options.images, options.more)
    if options.traps:
        print(f"{mark_traps(backgrounds)} traps", flush=True)
    if options.start:
        crops = DataLoader(Scenes(backgrounds, fonts, options.seed + 100), options.batch)
        load_weights(net, options.start, (crop[0] for crop in islice(crops, 24)))
    average = copy.deepcopy(net).eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=0.01)
    stream = iter(DataLoader(Scenes(backgrounds, fonts, options.seed), options.batch, num_workers=options.loaders,
                             prefetch_factor=4 if options.loaders else None))  # fmt: skip
    started, recent = time.monotonic(), 0.0
    net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for step in range(options.steps):
        done = max(step / options.steps, (time.monotonic() - started) / (60 * options.minutes))
        warm, last = min(1.0, (step + 1) / options.warm), done >= 1 or step + 1 == options.steps
        for group in optimiser.param_groups:
            group["lr"] = options.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
        image, target, weight = next(stream)
        loss = loss_of(net(image.to(memory_format=torch.channels_last)), target, weight)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        _follow(average, net, min(0.998, (step + 1) / (step + 20)))
        recent = 0.98 * recent + 0.02 * float(loss.detach()) if step else float(loss.detach())
        if step % 100 == 99:
            print(f"{step + 1} loss {recent:.4f} {time.monotonic() - started:.0f} s", flush=True)
        if step % 250 == 249 or last:
            torch.save(average.state_dict(), options.out.with_suffix(".pt"))
            export(average, options.out)
        if last:
            break


def _follow(average: TextNet, net: TextNet, keep: float) -> None:
    """The average of the weights so far: steadier than the last step's."""
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.mul_(keep).add_(now, alpha=1 - keep)
            else:
                mean.copy_(now)


def export(net: TextNet, path: Path) -> None:
    """ONNX with free image size; sigmoid included, so that the output is a probability."""
    whole = torch.nn.Sequential(copy.deepcopy(net).eval().to(memory_format=torch.contiguous_format), torch.nn.Sigmoid())
    torch.onnx.export(
        whole, (torch.zeros(1, 2, 64, 64),), str(path), input_names=["image"], output_names=["text"], dynamo=False,
        dynamic_axes={"image": {2: "rows", 3: "columns"}, "text": {2: "rows4", 3: "columns4"}}, opset_version=17,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deid.pixels.training.train", description=__doc__)
    parser.add_argument("images", type=Path, help="folder that holds the files of images.csv")
    parser.add_argument("--fonts", type=Path, nargs="+", required=True, help="folders of font files to draw text with")
    parser.add_argument(
        "--more", type=Path, nargs="*", default=[], help="folders of pictures without text, such as phantoms"
    )
    parser.add_argument("--out", type=Path, default=Path("textnet.onnx"))
    parser.add_argument("--start", type=Path, help="weights to go on from: a checkpoint (.pt) or a finished .onnx")
    parser.add_argument("--traps", action="store_true", help="draw more crops where the shipped network errs")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so long, the rate falling to suit")
    parser.add_argument("--warm", type=int, default=200, help="steps in which the rate rises at first")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loaders", type=int, default=1, help="processes that draw crops")
    train(parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
