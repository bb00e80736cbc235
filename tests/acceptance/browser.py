"""Debian's Chromium, headless, driven by its own DevTools protocol: what a person would see, press and wait for."""

import asyncio
import base64
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_START_WITHIN_S = 60.0
_ANSWER_WITHIN_S = 60.0
_KEYS = {"Tab": 9, "Enter": 13, "Space": 32}


def find_chromium() -> str:
    """Return the program. Raises AssertionError with the remedy: a check that is left out is no check."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise AssertionError("no Chromium: apt-get install chromium")


class Tab:
    """One page. `requests` are the addresses that it asked for, `complaints` what its console said."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Return the protocol's answer. Raises AssertionError if it is an error."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            while True:
                message = await self._socket.receive_json()
                if message.get("id") == self._number:
                    assert "error" not in message, message["error"]
                    result: dict[str, Any] = message["result"]
                    return result
                self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Page.loadEventFired":
            self._loaded = True

    async def open(self, path: Path) -> None:
        """Load a file and wait until it is loaded."""
        for domain in ("Network", "Log", "Runtime", "Page"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=path.as_uri())
        until_s = time.monotonic() + _ANSWER_WITHIN_S
        while not self._loaded:
            assert time.monotonic() < until_s, "the page did not load"
            await self.evaluate("1")
            await asyncio.sleep(0.05)

    async def evaluate(self, script: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value of a script in the page."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def press(self, key: str) -> None:
        """Press a key, as a person does."""
        text = {"Enter": "\r", "Space": " "}.get(key, "")
        named = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    async def write(self, text: str) -> None:
        """Write into whatever has the focus."""
        await self.call("Input.insertText", text=text)

    async def take_picture(self, of: str = "body") -> bytes:
        """Return a PNG of the first element of a selector, whole."""
        box = await self.evaluate(
            f"(() => {{ const b = document.querySelector({of!r}).getBoundingClientRect();"
            " return {x: b.x + scrollX, y: b.y + scrollY, width: b.width, height: b.height}; })()"
        )
        clip = {**box, "scale": 1}
        answer = await self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    async def choose_colours(self, scheme: str) -> None:
        """Prefer `light` or `dark`, as a person's system would."""
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def resize(self, width: int, height: int) -> None:
        """Take another size of window."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **size)


@asynccontextmanager
async def open_tab(profile: Path) -> AsyncIterator[Tab]:
    """Start a browser with a profile of its own and an empty page; nothing is left of it but the profile."""
    process, port = _start(profile)
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (page,) = [one for one in await answer.json() if one["type"] == "page"]
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Tab(socket)
    finally:
        process.terminate()
        process.wait(30)


def _start(profile: Path) -> tuple[subprocess.Popen[bytes], int]:
    options = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--remote-debugging-port=0", f"--user-data-dir={profile}", "--window-size=1100,900", "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen([find_chromium(), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    file, until_s = profile / "DevToolsActivePort", time.monotonic() + _START_WITHIN_S
    while not file.exists() or len(file.read_text().splitlines()) < 2:
        assert process.poll() is None, f"Chromium ended with {process.returncode}"
        if time.monotonic() > until_s:
            process.kill()
            raise AssertionError("Chromium did not start")
        time.sleep(0.1)
    return process, int(file.read_text().splitlines()[0])
