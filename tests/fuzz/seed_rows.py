# SPDX-License-Identifier: Apache-2.0
"""Rows for the seeds of rows and store: what collectors leave to each other,
and a value of each kind in each column of a database."""
import ipaddress
import struct

NOW = 1773129600 * 1000000
COLUMNS = 120  # of all tables, and some to spare: the target counts them
LEG_SYN, LEG_SYNACK, LEG_FIRST_LO, LEG_CONTINUED = 1 << 4, 1 << 6, 1 << 19, \
    1 << 20
ALL, GONE = 255, 254  # of which row


def address(text):
    ip = ipaddress.ip_address(text)
    return ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + \
        ip.packed


def socket(ip, port):
    return address(ip) + struct.pack("!H", port)


def waiting(protocol=6, legs=1, facts=0x37, last=NOW, owner=3):
    leg = socket("10.42.1.6", 40000) + socket("10.42.2.9", 80) + struct.pack(
        "!qIBQQ", NOW, 2, 1, owner, owner << 32)
    return struct.pack("!BBBBHQQqq", 1, protocol, 0, legs, facts, 20, 1400,
                       last, NOW) + leg * legs


def opened(protocol=6, legs=1, flags=LEG_SYN | LEG_FIRST_LO, packets=3,
           points=7, first=NOW - 9000000, lo="10.42.1.6", hi="10.42.2.9",
           port=40000):
    leg = address(lo) + address(hi) + struct.pack("!HH", port, 80)
    leg += struct.pack("!IIIIqqIII", flags, packets, packets * 60, 0, first,
                       first + 3000000, 7, 0, 0)
    leg += struct.pack("!IHHB", 2, 1, 1, 1)
    return struct.pack("!BIBB", 1, points, protocol, legs) + leg * legs


def row(kind, content):
    return struct.pack("<BH", kind, len(content)) + content


def rows():
    told = LEG_SYN | LEG_SYNACK << 1 | LEG_FIRST_LO | LEG_CONTINUED
    all_open = [opened(), opened(17, flags=1 | LEG_FIRST_LO, port=40001),
                opened(132, port=40002), opened(flags=told, port=40004),
                opened(flags=told, packets=0, port=40006),
                opened(flags=told, packets=0, port=40007),
                opened(lo="fd00:42:1::6", hi="fd00:42:2::9"),
                opened(points=8, port=40008)]
    out = {"waiting": row(0, waiting()), "waiting-legs": row(0, waiting(
        17, 2)), "open": row(1, opened()),
        "all": b"".join(row(1, r) for r in all_open),
        "twice": row(1, opened()) * 2,
        "both": row(0, waiting()) + row(1, opened()),
        "early": row(0, waiting(last=-1)) + row(1, opened(first=-1)),
        "late": row(0, waiting(last=(1 << 63) - 1)) +
        row(1, opened(first=(1 << 63) - 1 - 3000000)),
        "many-legs": row(0, waiting(legs=4)) + row(1, opened(legs=4)),
        "other-protocol": row(0, waiting(1)) + row(1, opened(47)),
        "empty": row(0, b"") + row(1, b"")}
    return out


def pack(inputs):
    return b"".join(struct.pack("<I", len(i)) + i for i in inputs)


def changes():
    """Each column: numbers at the ends of their types, texts, addresses of
    other lengths, nothing."""
    values = [(0, b""), (0, b"\xff"), (0, b"\5"), (0, b"\0\1\0\0"),
              (0, b"\1\0\0\0\1"), (0, b"\x7f" + b"\xff" * 7),
              (0, b"\x80" + b"\0" * 7), (1, b""), (1, b"[]"), (1, b"{}"),
              (1, b"[{}]"), (1, b'["x"]'), (1, b'{"a":"b"}'), (1, b"null"),
              (1, b'{"matchLabels":{},"matchExpressions":[{}]}'),
              (2, b""), (2, b"\1"), (2, b"\0" * 10 + b"\xff\xff\x0a\x2a\1\6"),
              (3, b"")]
    inputs = []
    for column in range(COLUMNS):
        for kind, value in values:
            inputs.append(struct.pack(
                "BBBB", column, 0, kind, len(value)) + value)
        inputs.append(struct.pack("BBBB", column, ALL, 0, 1) + b"\1")
        inputs.append(struct.pack("BBBB", column, GONE, 0, 1) + b"\1")
    return pack(inputs)
