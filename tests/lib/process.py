"""process.py - a program of ours that runs beside the test: started, listened to, ended

What it logs is read by a thread as it comes. It is ready when a line says so; a program that ends
before that, or takes far too long, fails the test with all it has said. Every end looks for what a
sanitizer has found.
"""
import os
import re
import signal
import subprocess
import threading
import time

WAIT_S = 60  # sanitizers on a busy machine; only something broken takes so long

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
    "LC_ALL": "C.UTF-8",
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "TSAN_OPTIONS": "halt_on_error=1:exitcode=99:second_deadlock_stack=1",
}


def check_sanitizers(text):
    for mark in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                 "WARNING: ThreadSanitizer"):
        assert mark not in text, f"a sanitizer has found something:\n{text}"


def wait_for(what, condition, said=lambda: ""):
    """Until it holds; only something broken takes so long as to fail here."""
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, f"it never happened: {what}\n{said()}"
        time.sleep(0.02)


class Process:
    """`what` is how it is called when something is wrong with it."""

    def __init__(self, what):
        self.what = what
        self.process = None
        self.environment = ENVIRONMENT
        self.log = []

    def launch(self, command, ready):
        """Returns the match of the line that says it is ready."""
        assert self.process is None
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", env=self.environment)
        self.log = []
        self._ready, said = None, threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(self.process, ready, said),
                                        daemon=True)
        self._reader.start()
        if not said.wait(WAIT_S) or not self._ready:
            status = self.end(signal.SIGKILL)
            raise AssertionError(f"{self.what} did not get ready ({status}):\n{self.text()}")
        return self._ready

    def _read_log(self, process, ready, said):
        for line in process.stderr:
            self.log.append(line)
            found = re.search(ready, line)
            if found:
                self._ready = found
                said.set()
        said.set()

    def text(self):
        return "".join(self.log)

    def wait_for_text(self, part):
        """What it logs is read by a thread, which may be a moment behind its answer."""
        wait_for(f"{self.what} says {part}", lambda: part in self.text(), self.text)

    def wait_until_gone(self):
        """It ends by itself; its status."""
        self.process.wait(WAIT_S)
        return self.end(signal.SIGKILL)

    def end(self, number):
        """By a signal, if it has not ended yet; its status, or None when that took too long."""
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(number)
        try:
            status = process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            status = None
        self._reader.join()
        process.stderr.close()
        check_sanitizers(self.text())
        return status

    def stop(self):
        """As an operator would; a clean end is part of the deal."""
        if self.process is not None:
            status = self.end(signal.SIGTERM)
            assert status == 0, f"{self.what} ended with {status}:\n{self.text()}"

    def kill(self):
        """SIGKILL: what a power cut leaves of the process, with all that was not yet written."""
        self.end(signal.SIGKILL)

    def refusal(self, command):
        """It has to give up by itself; status, and what it says."""
        done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, text=True,
                              errors="replace", capture_output=True, env=ENVIRONMENT,
                              timeout=WAIT_S, check=False)
        check_sanitizers(done.stderr)
        assert done.returncode > 0, \
            f"{self.what} started, or crashed ({done.returncode}): {done.stderr}"
        return done.returncode, done.stderr
