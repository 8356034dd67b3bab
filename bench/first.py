# SPDX-License-Identifier: Apache-2.0
"""Usage: first.py COMMAND...

Run a command and print in one row: seconds until its first byte of output and
until its end, CPU seconds, peak resident MiB, MB of output, the command.
"""
import os
import subprocess
import sys
import time


def main():
    start = time.monotonic()
    child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    size = len(child.stdout.read(1))
    first = time.monotonic() - start
    while chunk := child.stdout.read(1 << 20):
        size += len(chunk)
    _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) > 1:
        sys.exit("first.py: %s failed" % " ".join(sys.argv[1:]))
    print("%7.2f %7.2f %7.2f %7d %8.1f  %s" % (
        first, time.monotonic() - start, used.ru_utime + used.ru_stime,
        used.ru_maxrss // 1024, size / 1e6, " ".join(sys.argv[2:])))


main()
