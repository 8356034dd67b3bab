#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""split_capture.py CAPTURE N PREFIX - N parts of a capture, PREFIX0 and so on.

As tcpdump -C writes them: each packet in one part, in their order.
"""
import struct
import sys


def records(data):
    at = 24
    while at < len(data):
        n = 16 + struct.unpack_from("<I", data, at + 8)[0]
        yield data[at:at + n]
        at += n


def main():
    path, n, prefix = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with open(path, "rb") as f:
        data = f.read()
    all_of_it = sorted(records(data), key=lambda r: struct.unpack("<II", r[:8]))
    for i in range(n):
        part = all_of_it[len(all_of_it) * i // n:len(all_of_it) * (i + 1) // n]
        with open(f"{prefix}{i}", "wb") as f:
            f.write(data[:24] + b"".join(part))


main()
