"""How the demo speaks: lines that stay, on a terminal one line that changes below them, and a table at the end."""
import os
import shutil
import sys
import time

BOLD, RED, GREEN, FAINT = "1", "31;1", "32;1", "2"
SECONDS_BETWEEN_PLAIN_LINES = 5
INDENT = "       "


class Story:
    def __init__(self, out=sys.stdout):
        self.out, self.live = out, out.isatty()
        self.colour = self.live and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.started = self._said = time.monotonic()
        self._changing = False

    @property
    def seconds(self):
        return time.monotonic() - self.started

    def paint(self, style, text):
        return f"\033[{style}m{text}\033[0m" if self.colour else text

    def _clear(self):
        if self._changing:
            self.out.write("\r\033[K")
            self._changing = False

    def plain(self, text=""):
        self._clear()
        print(text, file=self.out, flush=True)

    def tell(self, text, style=None):
        """Something happened: a line that stays, with the time since the start. Further lines of text are indented below."""
        first, *more = text.split("\n")
        minutes, seconds = divmod(int(self.seconds), 60)
        self.plain(f"{self.paint(FAINT, f' {minutes}:{seconds:02d}')}  {self.paint(style, first) if style else first}")
        for line in more:
            self.plain(INDENT + line)
        self._said = time.monotonic()

    def now(self, text):
        """How it stands: the line that changes; without a terminal a line of its own every few seconds."""
        if self.live:
            width = shutil.get_terminal_size((100, 24)).columns - 1
            self.out.write("\r\033[K" + self.paint(FAINT, (INDENT + text)[:width]))
            self.out.flush()
            self._changing = True
        elif time.monotonic() - self._said >= SECONDS_BETWEEN_PLAIN_LINES:
            self.plain(INDENT + text)
            self._said = time.monotonic()

    def table(self, columns, rows):
        """rows: (what, a value for each column, a remark)."""
        width = max(len(row[0]) for row in rows)
        self.plain("\n  " + self.paint(BOLD, f"{'What happened':<{width}}" + "".join(f"{name:>9}" for name in columns)))
        for what, values, remark in rows:
            cells = "".join(f"{value!s:>9}" for value in values)
            self.plain(f"  {what:<{width}}{cells}   {self.paint(FAINT, remark)}".rstrip())

    def fail(self, why, logs=""):
        self.plain("\n" + self.paint(RED, "The demo could not go on: ") + why)
        if logs:
            self.plain(f"\nThe last words of the programs:\n{logs}")
