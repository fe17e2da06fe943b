"""Weights to go on from: a training checkpoint, or a finished model whose normalisation is folded into its convolutions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import nn

from deid.pixels.training.network import TextNet


def load_weights(net: TextNet, path: Path, batches: Iterable[torch.Tensor]) -> None:
    """Fill the network from a checkpoint (.pt) or from an exported model (.onnx), in place.

    batches: inputs (n, 2, rows, columns) like those of training; read only for .onnx. Raises ValueError where an .onnx file is
    not of this network.
    """
    if path.suffix != ".onnx":
        net.load_state_dict(torch.load(path))
        return
    _fill(net, path)
    _restore_normalisation(net, batches)


def _pairs(net: TextNet) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Convolutions in the order in which they run, each with the normalisation behind it."""
    modules = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.BatchNorm2d))]
    for module, after in zip(modules, [*modules[1:], None], strict=True):
        if isinstance(module, nn.Conv2d):
            yield module, after if isinstance(after, nn.BatchNorm2d) else None


@torch.no_grad()
def _fill(net: TextNet, path: Path) -> None:
    """Folded weights, with normalisations that change nothing but add the folded bias."""
    import onnx

    graph = onnx.load(str(path)).graph
    values = {each.name: torch.from_numpy(onnx.numpy_helper.to_array(each).copy()) for each in graph.initializer}
    nodes, pairs = [node for node in graph.node if node.op_type == "Conv"], list(_pairs(net))
    if len(nodes) != len(pairs):
        raise ValueError(f"{path} has {len(nodes)} convolutions, the network {len(pairs)}")
    for node, (convolution, norm) in zip(nodes, pairs, strict=True):
        weight, bias = values[node.input[1]], values[node.input[2]]
        if weight.shape != convolution.weight.shape:
            raise ValueError(
                f"{path}: a convolution of shape {tuple(weight.shape)} where {tuple(convolution.weight.shape)} was expected"
            )
        convolution.weight.copy_(weight)
        if norm is None:
            convolution.bias.copy_(bias)  # type: ignore[union-attr]
            continue
        norm.running_mean.zero_()  # type: ignore[union-attr]
        norm.running_var.fill_(1.0 - norm.eps)  # type: ignore[union-attr]
        norm.weight.fill_(1.0)
        norm.bias.copy_(bias)


@torch.no_grad()
def _restore_normalisation(net: TextNet, batches: Iterable[torch.Tensor]) -> None:
    """Give each normalisation the mean and spread that its input has, and undo them in its own scale and shift, so that the
    network computes what it did and can be trained on; filters get the size that fresh ones have, which sets how far a step
    of the optimiser turns them."""
    sums: dict[nn.Module, list[torch.Tensor]] = {}

    def measure(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        x = inputs[0].double()
        now = [x.mean((0, 2, 3)), (x * x).mean((0, 2, 3)), torch.ones(())]
        sums[module] = [a + b for a, b in zip(sums[module], now, strict=True)] if module in sums else now

    net.eval()
    hooks = [norm.register_forward_pre_hook(measure) for _, norm in _pairs(net) if norm is not None]
    for batch in batches:
        net(batch)
    for hook in hooks:
        hook.remove()
    for convolution, norm in _pairs(net):
        if norm is None:
            continue
        total, square, count = sums[norm]
        mean = total / count
        variance = (square / count - mean * mean).clamp(min=1e-8)
        fan = convolution.weight[0].numel()
        size = convolution.weight.double().pow(2).mean((1, 2, 3)).sqrt().clamp(min=1e-8)
        scale = (1 / (3 * fan)) ** 0.5 / size
        convolution.weight.mul_(scale.float()[:, None, None, None])
        norm.running_mean.copy_(mean * scale)  # type: ignore[union-attr]
        norm.running_var.copy_(variance * scale * scale)  # type: ignore[union-attr]
        spread = (variance * scale * scale + norm.eps).sqrt()
        norm.bias.add_(mean.float())
        norm.weight.copy_(spread / scale)
