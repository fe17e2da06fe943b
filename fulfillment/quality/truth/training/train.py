"""Train the network of the truth checks: `python -m fulfillment.quality.truth.training.train --help`.

Reads pools that `pool` wrote; `--without` leaves sources out, to be judged on them afterwards (`judge`). Needs PyTorch.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from fulfillment.quality.truth.training.network import ORIENTATIONS, ChestNet

FRONTAL, NO_CHEST = 0, 2


def turned(pictures: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Upright pictures, each mirrored or not, turned clockwise and inverted at random: pictures, orientations, mirrored."""
    count = len(pictures)
    mirrored = torch.rand(count, generator=generator) < 0.5
    turns = torch.randint(0, 4, (count,), generator=generator)
    inverted = torch.randint(0, 2, (count,), generator=generator)
    out = torch.where(mirrored[:, None, None, None], pictures.flip(3), pictures)
    for turn in (1, 2, 3):
        chosen = turns == turn
        out[chosen] = torch.rot90(out[chosen], -turn, (2, 3))
    return out * (1 - 2 * inverted)[:, None, None, None], 2 * turns + inverted, mirrored.float()


def loss_of(net: ChestNet, pictures: torch.Tensor, classes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Cross-entropies of the three questions; orientation of what is no chest is drawn towards not knowing."""
    shown, orientation, mirrored = turned(pictures, generator)
    kind, way, side, _ = net(shown.contiguous(memory_format=torch.channels_last))
    loss = functional.cross_entropy(kind, classes, label_smoothing=0.01)
    chest, frontal = classes != NO_CHEST, classes == FRONTAL
    if chest.any():
        loss = loss + functional.cross_entropy(way[chest], orientation[chest])
    if (~chest).any():
        loss = loss - 0.2 * functional.log_softmax(way[~chest], 1).sum(1).mean() / ORIENTATIONS
    if frontal.any():
        loss = loss + 0.5 * functional.binary_cross_entropy_with_logits(side[frontal], mirrored[frontal])
    return loss


def load(paths: list[Path], without: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    pictures, classes = [], []
    for path in paths:
        kept = np.load(path)
        chosen = ~np.isin(kept["sources"], without)
        pictures.append(kept["pictures"][chosen])
        classes.append(kept["classes"][chosen])
    return torch.from_numpy(np.concatenate(pictures)), torch.from_numpy(np.concatenate(classes)).long()


def train(options: argparse.Namespace) -> None:
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(options.seed)
    pictures, classes = load(options.pools, options.without)
    net = ChestNet()
    if options.start is not None:
        net.load_state_dict(torch.load(options.start, weights_only=True))
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(net).eval()
    print(f"{len(pictures)} pictures, {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=0.02)
    steps, started, recent = math.ceil(options.epochs * len(pictures) / options.batch), time.monotonic(), 0.0
    order = torch.randperm(len(pictures), generator=generator)
    at = 0
    for step in range(steps):
        if at + options.batch > len(order):
            order, at = torch.randperm(len(pictures), generator=generator), 0
        chosen, at = order[at : at + options.batch], at + options.batch
        done = max(step / steps, (time.monotonic() - started) / (60 * options.minutes))
        for group in optimiser.param_groups:
            group["lr"] = (
                options.rate
                * min(1.0, (step + 1) / 60)
                * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
            )
        loss = loss_of(net, pictures[chosen].float(), classes[chosen], generator)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        follow(average, net, min(0.99, (step + 1) / (step + 10)))
        recent = 0.97 * recent + 0.03 * float(loss.detach()) if step else float(loss.detach())
        if step % 25 == 24 or step + 1 == steps:
            print(f"{step + 1}/{steps} loss {recent:.4f} {time.monotonic() - started:.0f} s", flush=True)
        if done >= 1:
            break
    torch.save(average.state_dict(), options.out.with_suffix(".pt"))
    export(average, options.out)


def follow(average: ChestNet, net: ChestNet, keep: float) -> None:
    """The average of the weights so far: steadier than the last step's."""
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.mul_(keep).add_(now, alpha=1 - keep)
            else:
                mean.copy_(now)


def export(net: ChestNet, path: Path) -> None:
    """ONNX with a free number of pictures; the outputs are those of `ChestNet.forward`."""
    plain = copy.deepcopy(net).eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    names = ["classes", "orientations", "mirrored", "features"]
    torch.onnx.export(
        plain, (torch.zeros(1, 2, 96, 96),), str(path), input_names=["pictures"], output_names=names, dynamo=False,
        dynamic_axes={name: {0: "n"} for name in ["pictures", *names]}, opset_version=17,
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fulfillment.quality.truth.training.train", description=__doc__)
    parser.add_argument("pools", type=Path, nargs="+")
    parser.add_argument("--without", nargs="*", default=[], help="sources to leave out")
    parser.add_argument("--out", type=Path, default=Path("truth.onnx"))
    parser.add_argument("--start", type=Path, help="weights (.pt) to go on from")
    parser.add_argument("--epochs", type=float, default=5)
    parser.add_argument("--minutes", type=float, default=math.inf, help="end after so long, the rate falling to suit")
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    train(parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
