#!/usr/bin/python3
"""tamper.py FOLDER - changes one byte in a copy of a ledger, as somebody with access to the disk
might: the first refusal now has another reason."""
import pathlib
import sys

WORD = b'"decision":"refuse"'


def main():
    for file in sorted(pathlib.Path(sys.argv[1]).rglob("*")):
        data = bytearray(file.read_bytes()) if file.is_file() else bytearray()
        at = data.find(WORD)
        if at >= 0:
            data[at + len(WORD) - 2] = ord("E")
            file.write_bytes(data)
            print(f'  {file.name}, byte {at + len(WORD) - 2}: "refuse" is now "refusE"')
            return
    sys.exit("tamper.py: there is no refusal in this ledger")


if __name__ == "__main__":
    main()
