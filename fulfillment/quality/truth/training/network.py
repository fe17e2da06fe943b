"""The network: a small residual one on 96 x 96, with a head for each question."""

from __future__ import annotations

import torch
from torch import nn

WIDTHS = (16, 32, 64, 96)
#: Outputs in one row: 3 classes, 8 orientations (quarter turns clockwise x polarity: 2 * turns + inverted), mirrored, features.
CLASSES, ORIENTATIONS, FEATURES = 3, 8, WIDTHS[-1]


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.body(x))


class ChestNet(nn.Module):
    """(n, 2, 96, 96) -> classes (n, 3), orientations (n, 8), mirrored (n,), features (n, 96); logits."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 2
        for number, width in enumerate(WIDTHS):
            layers += [
                nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            if number:
                layers.append(Residual(width))
            before = width
        self.trunk = nn.Sequential(*layers)
        # Where things lie decides view and orientation: a coarse map goes to the heads beside the mean.
        self.place = nn.Sequential(nn.Conv2d(before, 16, 1), nn.ReLU(inplace=True), nn.Flatten())
        self.dropout = nn.Dropout(0.2)
        self.heads = nn.Linear(before + 16 * 36, CLASSES + ORIENTATIONS + 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        found = self.trunk(x)
        features = found.mean((2, 3))
        out = self.heads(self.dropout(torch.cat([features, self.place(found)], 1)))
        return out[:, :CLASSES], out[:, CLASSES : CLASSES + ORIENTATIONS], out[:, -1], features
