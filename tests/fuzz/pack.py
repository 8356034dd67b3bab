#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many small inputs as one file, and back.

    pack.py make FOLDER PACK [BYTES]    the smallest first, up to BYTES in all
    pack.py open PACK FOLDER

A pack is, for each input, its length as four bytes, little endian, and its
bytes. tests/fuzz/replay.c reads it as it is.
"""
import os
import struct
import sys


def make(folder, pack, limit=200000):
    inputs = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as f:
            inputs.append(f.read())
    out = b""
    for data in sorted(inputs, key=lambda d: (len(d), d)):
        if len(out) + 4 + len(data) <= int(limit):
            out += struct.pack("<I", len(data)) + data
    with open(pack, "wb") as f:
        f.write(out)


def unpack(pack, folder):
    with open(pack, "rb") as f:
        data = f.read()
    os.makedirs(folder, exist_ok=True)
    at = n = 0
    while at < len(data):
        size, = struct.unpack_from("<I", data, at)
        with open(os.path.join(folder, "packed-%04d" % n), "wb") as f:
            f.write(data[at + 4:at + 4 + size])
        at += 4 + size
        n += 1


if len(sys.argv) < 4 or sys.argv[1] not in ("make", "open"):
    sys.exit(__doc__)
(make if sys.argv[1] == "make" else unpack)(*sys.argv[2:])
