"""What is compared, one line a check."""

import json
import sys


class Checks:
    """Counts and prints."""

    passed = failed = skipped = 0

    def equal(self, what, got, want):
        agreed = got == want
        self.passed += agreed
        self.failed += not agreed
        print(f"{'ok    ' if agreed else 'FAILED'} {what}", flush=True)
        if not agreed:
            print(f"  got  {json.dumps(got, default=str)}\n  want {json.dumps(want, default=str)}", flush=True)

    def skip(self, what, reason):
        self.skipped += 1
        print(f"{what}\n  skipped: {reason}", flush=True)

    def end(self):
        """Says how many there were, and ends the program: with 1 if one failed."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}")
        sys.exit(self.failed > 0)
