# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests in Python have in common: verdicts and their sum."""
import sys


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, problem, figures=""):
        """One line; problem is None when all is well."""
        ok = problem is None
        self.passed += ok
        self.failed += not ok
        print("ok" if ok else "not ok", name, figures)
        if not ok:
            print("  " + ascii(problem)[:1500])

    def end(self):
        """The last line, and the end of the program."""
        print("%d passed, %d failed" % (self.passed, self.failed))
        sys.exit(0 if self.failed == 0 and self.passed > 0 else 1)
