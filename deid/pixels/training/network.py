"""The network: fully convolutional, strides 4, 8 and 16, depthwise-separable residual blocks, additive head (DEID.md)."""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    """Depthwise 3x3 (dilated) and pointwise 1x1, with the input added."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.after = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(x + self.body(x))


def _step(inside: int, outside: int, stride: int, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


def _down(inside: int, outside: int) -> nn.Sequential:
    """Depthwise stride 2, then to more channels."""
    return nn.Sequential(
        nn.Conv2d(inside, inside, 5, stride=2, padding=2, groups=inside, bias=False),
        nn.BatchNorm2d(inside),
        nn.Conv2d(inside, outside, 1, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


class TextNet(nn.Module):
    """(batch, 2, rows, columns), rows and columns multiples of 16 -> logits (batch, 1, rows / 4, columns / 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_step(2, 12, 2, 5), _step(12, 32, 2))
        self.four = nn.Sequential(Block(32), Block(32))
        self.to_eight = _down(32, 64)
        self.eight = nn.Sequential(Block(64), Block(64), Block(64, 2), Block(64, 2))
        self.to_sixteen = _down(64, 96)
        self.sixteen = nn.Sequential(*(Block(96, d) for d in (1, 2, 4, 8, 1, 2, 4, 8)))
        self.from_sixteen = nn.Conv2d(96, 64, 1)
        self.mix_eight = Block(64)
        self.from_eight = nn.Conv2d(64, 32, 1)
        self.mix_four = Block(32)
        self.head = nn.Conv2d(32, 1, 1)
        nn.init.constant_(self.head.bias, -2.0)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        four = self.four(self.stem(x))
        eight = self.eight(self.to_eight(four))
        sixteen = self.sixteen(self.to_sixteen(eight))
        eight = self.mix_eight(eight + _twice(self.from_sixteen(sixteen)))
        four = self.mix_four(four + _twice(self.from_eight(eight)))
        return self.head(four)


def _twice(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
