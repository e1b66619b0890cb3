#!/usr/bin/env python3
"""The vectors of the whole catalogue, signed without any of this project's code.

`signers/` holds a function for each provider that says how it signs, in Python; `signing.py` is what they are made of. This
script makes the cases of all and writes them into `presets/NAME.vectors.toml`, below a line that says so; what stands above
that line (published vectors, cases by hand) stays as it is.

    python3 tests/parity/catalogue.py --check         compare the files with what would be written
    python3 tests/parity/catalogue.py --write [ID …]  write them
    python3 tests/parity/catalogue.py ID …            print them

Deterministic: fixed keys and times, no randomness. Python 3.11 or later and `cryptography`.
"""

import importlib
import pathlib
import sys

from generate import block
from signing import CASES

HERE = pathlib.Path(__file__).resolve().parent
PRESETS = HERE.parents[1] / "presets"
LINE = "# ───────────── signed by tests/parity/catalogue.py ─────────────"


def load():
    for path in sorted((HERE / "signers").glob("*.py")):
        importlib.import_module(f"signers.{path.stem}")


def written(preset, text):
    """The file with what was made for the preset, in the place of what was made before."""
    above = text.partition(LINE)[0].rstrip()
    return f"{above}\n\n{LINE}\n\n" + "\n".join(map(block, CASES[preset]))


def main(arguments):
    load()
    flags, names = [a for a in arguments if a.startswith("-")], [a for a in arguments if not a.startswith("-")]
    unknown = [name for name in names if name not in CASES]
    if unknown or flags not in ([], ["--check"], ["--write"]):
        print(f"no signer for {', '.join(unknown)}" if unknown else __doc__, file=sys.stderr)
        return 2
    wrong = 0
    for preset in names or sorted(CASES):
        path = PRESETS / f"{preset}.vectors.toml"
        if not flags:
            print("\n".join(map(block, CASES[preset])))
            continue
        held = path.read_text(encoding="utf-8") if path.exists() else f'schema = 1\npreset = "{preset}"\n'
        wanted = written(preset, held)
        if flags == ["--write"]:
            path.write_text(wanted, encoding="utf-8")
        elif held != wanted:
            print(f"{path.name}: not as generated; `python3 tests/parity/catalogue.py --write {preset}`")
            wrong += 1
    if flags == ["--check"] and not wrong:
        print(f"{sum(map(len, CASES.values()))} cases of {len(CASES)} presets as generated")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
