"""Structural mutation of valid files: what a broken exporter or an attacker does to elements rather than to bits.

    python -m tests.deid.fuzz SECONDS [SEED]

runs until the time is over and prints how files ended; a crash, a hang or a planted name in an output ends it with the
seed and number that repeat it.
"""

from __future__ import annotations

import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator

from deid import Quarantined
from tests.deid.objects import clean
from tests.deid.zoo import BASELINE, BIG, EXPLICIT, IMPLICIT, J2K, LOSSLESS, RLE, chest, in_syntax, stream, with_stream

_LONG = {b"OB", b"OD", b"OF", b"OL", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"OV", b"SV", b"UV"}
_VRS = [*_LONG, b"LO", b"PN", b"CS", b"DA", b"DS", b"IS", b"UI", b"US", b"SH", b"AT", b"FD", b"??"]
_SYNTAXES = (EXPLICIT, IMPLICIT, BIG, BASELINE, J2K, "1.2.3")
_LENGTHS = (0, 1, 7, 8, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def mutants(seed: int, count: int) -> Iterator[bytes]:
    """`count` mutated files; the same seed gives the same files."""
    rng = random.Random(seed)
    bases = [chest(), chest(), *(with_stream(syntax, stream(syntax)) for syntax in (BASELINE, LOSSLESS, RLE))]
    for _ in range(count):
        data = rng.choice(bases)
        for _ in range(rng.randint(1, 4)):
            data = _mutate(data, rng)
        yield data


def _elements(data: bytes) -> list[tuple[int, int, int]]:
    """(begin, begin of the value, end) of each top-level element behind the file meta, as far as they can be followed."""
    found, at = [], data.find(b"\x08\x00\x05\x00CS")
    while at >= 0 and at + 12 <= len(data):
        vr = data[at + 4 : at + 6]
        head = 12 if vr in _LONG else 8
        length = struct.unpack("<I" if head == 12 else "<H", data[at + head - (4 if head == 12 else 2) : at + head])[0]
        end = min(len(data), at + head + length)
        found.append((at, at + head, end))
        if length == 0xFFFFFFFF:
            break
        at = end
    return found


def _mutate(data: bytes, rng: random.Random) -> bytes:
    elements = _elements(data)
    if not elements:
        return data[: rng.randrange(len(data) + 1)]
    begin, value, end = rng.choice(elements)
    kind = rng.randrange(11)
    if kind == 0:  # gone
        return data[:begin] + data[end:]
    if kind == 1:  # twice
        return data[:end] + data[begin:end] + data[end:]
    if kind == 2:  # somewhere else
        other = rng.choice(elements)[0]
        return data[:other] + data[begin:end] + data[other:]
    if kind == 3:  # another VR, same header size or not
        return data[: begin + 4] + rng.choice(_VRS) + data[begin + 6 :]
    if kind == 4:  # another length
        size = "<I" if value - begin == 12 else "<H"
        said = rng.choice(_LENGTHS) & (0xFFFFFFFF if size == "<I" else 0xFFFF)
        return data[: value - struct.calcsize(size)] + struct.pack(size, said) + data[value:]
    if kind == 5:  # another tag
        return (
            data[:begin]
            + struct.pack("<HH", rng.choice((8, 9, 0x10, 0x28, 0x7FE0, 0xFFFE)), rng.randrange(65536))
            + data[begin + 4 :]
        )
    if kind == 6:  # another syntax
        return in_syntax(data, rng.choice(_SYNTAXES)) if b"\x02\x00\x10\x00UI" in data else data
    if kind == 7:  # wrapped into a sequence of unknown VR, of a tag that is private or not
        inner = b"\xfe\xff\x00\xe0" + struct.pack("<I", end - begin) + data[begin:end]
        head = (
            struct.pack("<HH", rng.choice((0x0008, 0x0009, 0x0040)), rng.randrange(65536))
            + rng.choice((b"SQ", b"UN"))
            + b"\0\0"
        )
        return data[:begin] + head + struct.pack("<I", len(inner)) + inner + data[end:]
    if kind == 8:  # noise of even length, inside the value
        noise = rng.randbytes(2 * rng.randrange(40))
        return data[:value] + noise + data[value + len(noise) :]
    if kind == 9:  # cut
        return data[: rng.randrange(begin, len(data) + 1)]
    at = rng.randrange(begin, max(end, begin + 1))  # bits turned
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :] if at < len(data) else data


def main() -> None:
    """Fuzz for so many seconds."""
    until, seed = time.monotonic() + float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    seen: Counter[str] = Counter()
    while time.monotonic() < until:
        for number, data in enumerate(mutants(seed, 200)):
            started = time.process_time()
            outcome = clean(data)
            reason = outcome.reason if isinstance(outcome, Quarantined) else "released"
            seen[reason] += 1
            leaked = not isinstance(outcome, Quarantined) and b"Featherstone" in outcome.data
            if reason == "engine-error" or leaked or time.process_time() - started > 5:
                sys.exit(f"seed {seed}, file {number}: {reason} {outcome.record.detail} leaked={leaked}")
        seed += 1
    print(f"seeds up to {seed - 1}: {dict(seen.most_common())}")


if __name__ == "__main__":
    main()
