"""How the demo speaks: lines that stay, one line that changes (on a terminal only), and a table at the end."""
import sys
import time


class Story:
    def __init__(self, out=sys.stdout):
        self.out, self.live = out, out.isatty()
        self.started = time.monotonic()
        self._changing = False

    def _clear(self):
        if self._changing:
            self.out.write("\r\033[K")
            self._changing = False

    def tell(self, text):
        self._clear()
        print(f"[{time.monotonic() - self.started:5.1f} s] {text}", file=self.out, flush=True)

    def now(self, text):
        if self.live:
            self.out.write(f"\r\033[K          {text}"[:118])
            self.out.flush()
            self._changing = True

    def plain(self, text):
        self._clear()
        print(text, file=self.out, flush=True)

    def table(self, rows):
        self._clear()
        width = max(len(row[0]) for row in rows)
        print("\nWhat happened\n", file=self.out)
        for name, count, remark in rows:
            print(f"  {name:<{width}}  {count!s:>6}  {remark}".rstrip(), file=self.out)

    def verdict(self, difference):
        print(f"\n  difference {difference}\n", file=self.out)
        if difference == 0:
            print("Every order was sold once and every accepted shipment is in the ERP once, in "
                  f"{time.monotonic() - self.started:.0f} s.", file=self.out, flush=True)
        else:
            print("The books do not agree.", file=self.out, flush=True)

    def fail(self, why, tails):
        self._clear()
        print(f"\nThe demo failed: {why}\n\nThe last words of the programs:\n{tails}", file=self.out, flush=True)
