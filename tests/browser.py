"""A headless Chromium driven over its debugging pipe: pages are opened, looked at and used as a person would."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT = 60.0


def find_chromium() -> str:
    """Return a Chromium; skip the test where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(NAMES)}): pages were not opened")
    return found


class Browser:
    """One browser with one page; hears of every request, console message and exception."""

    def __init__(self, width: int = 1200, height: int = 900) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        command = [find_chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                   "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={self._profile.name}",
                   "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                   f"--window-size={width},{height}", "about:blank"]  # fmt: skip
        self._process, self._write, self._read = _start(command)
        self._number, self._answers, self.events = 0, Queue[dict[str, Any]](), list[dict[str, Any]]()
        threading.Thread(target=self._listen, daemon=True).start()
        (page,) = (item for item in self.send("Target.getTargets")["targetInfos"] if item["type"] == "page")
        self._session: str | None = None
        self._session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def _listen(self) -> None:
        rest = b""
        while piece := os.read(self._read, 1 << 16):
            *whole, rest = (rest + piece).split(b"\0")
            for text in whole:
                message = json.loads(text)
                if "id" in message:
                    self._answers.put(message)
                else:
                    self.events.append(message)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            try:
                answer = self._answers.get(timeout=WAIT)
            except Empty:
                raise AssertionError(f"the browser does not answer {method}") from None
            if answer["id"] == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])

    def open(self, path: Path) -> None:
        """Open a file and wait until its figures are drawn."""
        self.events.clear()
        self.send("Page.navigate", url=path.as_uri())
        self.run("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))")
        self.run("typeof accelsim === 'undefined' ? null : accelsim.done.then(() => null)")

    def run(self, script: str) -> Any:
        """Evaluate JavaScript in the page, wait for its promise, and return its value."""
        found = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found.get("exceptionDetails")
        return found["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key where the focus is."""
        own = {"key": key, "code": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
        self.send("Input.dispatchKeyEvent", type="keyDown", **own)
        self.send("Input.dispatchKeyEvent", type="keyUp", **own)

    def click(self, selector: str) -> None:
        """Click in the middle of an element."""
        where = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{where}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        box = self.run(f"(b => [b.x, b.y, b.width, b.height])({where}.getBoundingClientRect())")
        point = {"x": box[0] + box[2] / 2, "y": box[1] + box[3] / 2, "button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type="mousePressed", **point)
        self.send("Input.dispatchMouseEvent", type="mouseReleased", **point)

    def colours(self, scheme: str) -> None:
        """Prefer ``light`` or ``dark``."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def excess(self, path: Path, width: int, media: str = "") -> int:
        """Return by how much a page, all its folds open, is wider than a window or a sheet of paper (``print``)."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", media=media)
        try:
            self.open(path)
            self.run("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
            return int(self.run("document.documentElement.scrollWidth")) - width
        finally:
            self.send("Emulation.setEmulatedMedia", media="")
            self.send("Emulation.clearDeviceMetricsOverride")

    def screenshot(self, path: Path, *, width: int = 1200) -> None:
        """Write a picture of the whole page."""
        tall = self.run("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": width, "height": tall, "scale": 1}
        data = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        path.write_bytes(base64.b64decode(data))

    @property
    def requests(self) -> list[str]:
        """Addresses that the page asked for, but itself and data of its own."""
        sent = [item["params"] for item in self.events if item["method"] == "Network.requestWillBeSent"]
        asked = [params["request"]["url"] for params in sent]
        return [url for url in asked[1:] if not url.startswith(("data:", "blob:"))]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings of the console, and exceptions."""
        found = []
        for item in self.events:
            params = item.get("params", {})
            if item["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(params["exceptionDetails"]))
            elif item["method"] == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
                found.append(json.dumps(params["args"]))
            elif item["method"] == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
                found.append(params["entry"]["text"])
        return found

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(WAIT)
        for descriptor in (self._write, self._read):
            os.close(descriptor)
        self._profile.cleanup()


def _start(command: list[str]) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start a browser; return it and the ends of its pipe: it reads descriptor 3 and writes descriptor 4."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    script = f'exec 3<&{theirs_in} 4>&{theirs_out}; exec "$0" "$@"'
    process = subprocess.Popen(
        ["bash", "-c", script, *command], pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs_in)
    os.close(theirs_out)
    return process, ours_out, ours_in
