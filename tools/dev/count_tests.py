#!/usr/bin/python3
"""count_tests.py - how many test cases passed and failed, from what the test runners left behind

  count_tests.py meson build/asan/meson-logs/testlog.json    cmocka's own cases, told in TAP
  count_tests.py pytest results.xml                          JUnit XML

Prints "<passed> <failed> <skipped>"; names what failed, or was skipped and why, on stderr. A
program that ends badly without naming a failed case (a crash, a sanitizer) counts as one.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

CASE = re.compile(r"^(ok|not ok) \d+ - (\S+)(.*)$", re.MULTILINE)


def count_meson(path):
    passed = failed = skipped = 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        test = json.loads(line)
        cases = CASE.findall(test.get("stdout", "") + "\n" + test.get("stderr", ""))
        good = [name for result, name, more in cases if result == "ok" and "# SKIP" not in more]
        bad = [name for result, name, more in cases if result == "not ok" and "# SKIP" not in more]
        left_out = [name for _, name, more in cases if "# SKIP" in more]
        if test["result"] in ("OK", "EXPECTEDFAIL"):
            passed += len(good) if cases else 1
        elif test["result"] == "SKIP":
            skipped += 1
        else:
            bad = bad or [f"({test['result'].lower()})"]
            passed += len(good)
        failed += len(bad)
        skipped += len(left_out)
        for name in bad:
            print(f"FAILED {test['name']}: {name}", file=sys.stderr)
        for name in left_out:
            print(f"skipped {test['name']}: {name}", file=sys.stderr)
    return passed, failed, skipped


def count_pytest(path):
    passed = failed = skipped = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}: {case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
            print(f"FAILED {name}", file=sys.stderr)
        elif case.find("skipped") is not None:
            skipped += 1
            print(f"skipped {name}: {case.find('skipped').get('message')}", file=sys.stderr)
        else:
            passed += 1
    return passed, failed, skipped


def main():
    kind, path = sys.argv[1], pathlib.Path(sys.argv[2])
    if not path.exists():
        print(f"FAILED {kind}: there is no {path}", file=sys.stderr)
        print(0, 1, 0)
        return
    print(*{"meson": count_meson, "pytest": count_pytest}[kind](path))


if __name__ == "__main__":
    main()
