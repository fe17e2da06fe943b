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
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from deid.pixels.contrast import network_input
from deid.pixels.training.network import TextNet
from deid.pixels.training.scenes import BORDER, CROP, SceneMaker, load_backgrounds
from deid.pixels.training.typeset import list_fonts

_FONTS_A_FOLDER = 12
Crop = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Scenes(IterableDataset):  # type: ignore[type-arg]
    """An endless stream of (input (2, CROP, CROP), target, weight); each worker draws from a generator of its own."""

    def __init__(self, root: Path, more: list[Path], fonts: dict[str, list[str]], seed: int) -> None:
        self.root, self.more, self.fonts, self.seed = root, more, fonts, seed

    def __iter__(self) -> Iterator[Crop]:
        worker = get_worker_info()
        torch.set_num_threads(1)
        maker = SceneMaker(
            load_backgrounds(self.root, self.more), self.fonts, self.seed * 1000 + (worker.id if worker else 0)
        )
        inner = slice(BORDER, BORDER + CROP)
        while True:
            image, target, weight = maker.make()
            shown = network_input(image)[:, inner, inner]
            yield torch.from_numpy(np.ascontiguousarray(shown)), torch.from_numpy(target), torch.from_numpy(weight)


def loss_of(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Cross-entropy over text cells and the hardest other cells (three for each text cell, 400 at least a crop), and Dice."""
    logits = logits[:, 0]
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    text = (target * weight) > 0
    other = torch.where(text, torch.zeros_like(each), each).flatten()
    count = min(other.numel(), int(3 * int(text.sum())) + 400 * target.shape[0])
    hardest = other.topk(count).values
    cross = each[text].sum() / max(1, int(text.sum())) + hardest.mean() * 1.5
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
    if options.start:
        net.load_state_dict(torch.load(options.start))
    average = copy.deepcopy(net).eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=0.01)
    stream = iter(DataLoader(Scenes(options.images, options.more, fonts, options.seed), options.batch, num_workers=options.loaders,
                             prefetch_factor=4 if options.loaders else None))  # fmt: skip
    started, recent = time.monotonic(), 0.0
    net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for step in range(options.steps):
        warm, done = min(1.0, (step + 1) / 200), step / options.steps
        for group in optimiser.param_groups:
            group["lr"] = options.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
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
        if step % 500 == 499 or step + 1 == options.steps:
            torch.save(average.state_dict(), options.out.with_suffix(".pt"))
            export(average, options.out)


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
    parser.add_argument("--start", type=Path, help="weights (.pt) to go on from")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loaders", type=int, default=1, help="processes that draw crops")
    train(parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
