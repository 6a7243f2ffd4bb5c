#!/usr/bin/env python3
"""The house rules that no ready-made tool checks.

    lint.py style [--tags PROGRAM]     sizes, includes, conditionals
    lint.py purity LIBCORE             the core's headers, undefined symbols and variables against the allow lists

Prints `file:line: what` for each finding and exits 1 when there is any.
"""
import fnmatch
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORE, CONNECTORS, PORTS = "firmware-agnostic-core", "connectors", "ports"
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CONDITIONAL = re.compile(r"^\s*#\s*(?:ifdef|ifndef|if|elif)\b(.*)")
MAY_ASK_THE_PREPROCESSOR = os.path.join(CORE, "base", "mutant.h")  # and nothing else of the core
GUARD = re.compile(r"^\s*#\s*ifndef\s+(XD_\w+_H)\s*$")

findings = []


def finding(path, line, what):
    findings.append(f"{path}:{line}: {what}")


def files(folder, *suffixes):
    for where, folders, names in os.walk(os.path.join(TOP, folder)):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        for name in sorted(names):
            if name.endswith(suffixes):
                yield os.path.relpath(os.path.join(where, name), TOP)


def lines_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read().split("\n")


def patterns(name):
    path = os.path.join(TOP, "tests", name)
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def allowed(name, allow_list):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in allow_list)


def includes(path):
    for number, line in enumerate(lines_of(path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == "<", match.group(2)


def room_of(path, name):
    """The room (core, connectors, ports) that a quoted include name leads to, and its path."""
    here = os.path.join(os.path.dirname(path), name)
    for candidate, base in ((here, None), (name, CORE), (name, CONNECTORS), (name, PORTS), (name, "tests")):
        full = os.path.normpath(os.path.join(base, candidate) if base else candidate)
        if os.path.isfile(os.path.join(TOP, full)):
            return full.split(os.sep)[0], full
    return None, name


def check_direction(path):
    """Dependencies point one way: ports -> connectors -> core; no connector knows another."""
    rank = {CORE: 0, CONNECTORS: 1, PORTS: 2, "tests": 3}
    own = path.split(os.sep)[0]
    for number, system, name in includes(path):
        if system:
            continue
        room, full = room_of(path, name)
        if room is None:
            finding(path, number, f'"{name}" is not in this tree: a library\'s header goes in angle brackets')
        elif rank.get(room, 9) > rank[own]:
            finding(path, number, f'"{name}" looks upwards: {own} must not know {room}')
        elif own == CONNECTORS and room == CONNECTORS and connector_of(full) not in (connector_of(path), "shared"):
            finding(path, number, f'"{name}" is another connector\'s: no connector knows another')


def connector_of(path):
    """connectors/erp/ holds the ERP port's implementations: each is a connector, what they share is not; nor is connectors/shared/, which
    all may use."""
    parts = path.split(os.sep)
    if parts[1] == "erp":
        return "/".join(parts[1:3]) if len(parts) > 3 else "erp"
    return parts[1]


def check_conditionals(path):
    for number, line in enumerate(lines_of(path), 1):
        match = CONDITIONAL.match(line)
        if match and not GUARD.match(line) and "__cplusplus" not in match.group(1):
            finding(path, number, "conditional compilation in the core: a port decides that, not the preprocessor")


def check_guard(path):
    if not any(GUARD.match(line) for line in lines_of(path)):
        finding(path, 1, "no include guard XD_..._H")


def check_functions(paths, tags):
    if not paths:
        return
    listing = subprocess.run(
        [tags, "-x", "--c-kinds=f", "--fields=+ne", "--_xformat=%{end} %n %N %F", "-L", "-"],
        input="\n".join(paths), capture_output=True, text=True, cwd=TOP, check=True).stdout
    for row in listing.splitlines():
        end, start, name, path = row.split(" ", 3)
        size = int(end) - int(start) + 1 if end.isdigit() else 0
        if size > FUNCTION_LINES_MAX:
            finding(path, start, f"{name} has {size} lines: a function fits a screen ({FUNCTION_LINES_MAX})")


def style(tags):
    product = [p for room in (CORE, CONNECTORS, PORTS) for p in files(room, ".c", ".h")]
    for path in product:
        size = len(lines_of(path)) - 1
        if size > FILE_LINES_MAX:
            finding(path, FILE_LINES_MAX, f"{size} lines: a file stays under {FILE_LINES_MAX}")
        check_direction(path)
        if path.startswith(CORE + os.sep) and path != MAY_ASK_THE_PREPROCESSOR:
            check_conditionals(path)
        if path.endswith(".h"):
            check_guard(path)
    check_functions([p for p in product if p.endswith(".c")], tags)


def archive_symbols(library):
    undefined, defined = set(), set()
    listing = subprocess.run(["nm", "-P", "-g", library], capture_output=True, text=True, check=True).stdout
    for row in listing.splitlines():
        parts = row.split()
        if len(parts) >= 2 and not row.endswith(":"):
            (undefined if parts[1] in "Uw" else defined).add(parts[0])
    return undefined - defined


def archive_state(library):
    """(variable, member) of each variable that can be written: what is constant, or is once it is relocated, is not listed."""
    member = ""
    listing = subprocess.run(["nm", "-f", "sysv", library], capture_output=True, text=True, check=True).stdout
    for row in listing.splitlines():
        parts = [part.strip() for part in row.split("|")]
        if row.startswith("Symbols from "):
            member = row.rpartition("[")[2].rstrip("]:")
        elif len(parts) == 7 and parts[3] in ("OBJECT", "TLS") and re.match(r"\.t?(data|bss)|\*COM", parts[6]) \
                and not parts[6].startswith(".data.rel.ro"):
            yield parts[0], member


def purity(library):
    headers = patterns("purity-allowed-headers.txt")
    for path in files(CORE, ".c", ".h"):
        for number, system, name in includes(path):
            if system and not allowed(name, headers):
                finding(path, number, f"<{name}> is not among the headers that the core may know")
    symbols = patterns("purity-allowed-symbols.txt")
    for symbol in sorted(archive_symbols(library)):
        if not allowed(symbol, symbols):
            users = subprocess.run(["nm", "-A", "-u", library], capture_output=True, text=True, check=True).stdout
            members = sorted({row.split(":")[1] for row in users.splitlines() if row.split()[-1] == symbol})
            finding(library, 0, f"{symbol} is not among the symbols that the core may use (in {', '.join(members)})")
    state = patterns("purity-allowed-state.txt")
    for variable, member in archive_state(library):
        if not allowed(variable, state):
            finding(library, 0, f"{variable} is kept between calls, for all threads, and is not among what the core may keep (in {member})")


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["style"]:
        style(arguments[2] if arguments[1:2] == ["--tags"] else "ctags")
    elif arguments[:1] == ["purity"] and len(arguments) == 2:
        purity(arguments[1])
        if not findings:
            print(f"{arguments[1]} is pure: nothing in it but C, cJSON and mbedTLS, by its headers and its undefined symbols, and no state but its callers'")
    else:
        sys.exit(__doc__)
    print("\n".join(findings), end="\n" if findings else "")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
