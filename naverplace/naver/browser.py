"""One Chromium with a home of its own, of which nothing is left behind."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError

from naverplace.base.errors import BrowserMissing

PLACE = "/tmp"  # noqa: S108 - Lambda lets us write nowhere else
PREFIX = "naverplace-chrome-"  # then the number of the process that opened it
PRIVATE = ("NAVERPLACE_", "AWS_", "PREFECT_")  # variables
_HOME = re.compile(rf"{PREFIX}(\d{{1,7}})-[a-z0-9_]{{1,16}}", re.ASCII)  # and nothing like it
FLAGS = (
    "--remote-debugging-pipe",  # DevTools' port would answer every user of this machine
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
    "--lang=ko-KR",
)
START_SECONDS = 60  # a cold start may take 12 s (outside-services: Browser in a container)
END_SECONDS = 5.0
# What Chromium does to lock pages in. A user namespace alone proves little: where AppArmor cuts its
# rights the second call fails, and in a container that may not change its root (Podman) the third.
_TRY_NAMESPACES = (
    "import ctypes; c = ctypes.CDLL(None);"
    "exit(any((c.unshare(1 << 28), c.unshare(1 << 29), c.chroot(b'/proc/self/fdinfo/'))))"
)
_one_at_a_time = threading.Lock()  # one Chromium takes 300 MB


@dataclass(frozen=True)
class Programs:
    """Where the browser and its driver are."""

    chromium: Path
    driver: Path

    def check(self) -> None:
        """Raise BrowserMissing unless both can be started."""
        for program in (self.chromium, self.driver):
            if not os.access(program, os.X_OK) or program.is_dir():
                raise BrowserMissing(f"no program at {program}")


@contextlib.contextmanager
def open_browser(
    programs: Programs, *, page_seconds: float, headless: bool = True
) -> Iterator[WebDriver]:
    """Open a Chromium for one visit, whose every call ends within `page_seconds` and a bit.

    Raises BrowserMissing when it does not start. Afterwards its processes and files are gone.
    """
    programs.check()
    # At DEBUG Selenium logs what it types and every cookie it reads.
    logging.getLogger("selenium").setLevel(logging.INFO)
    with _one_at_a_time:
        _sweep()
        home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=PLACE))
        service = Service(
            executable_path=str(programs.driver), env=_environment(home, headless=headless)
        )
        try:
            yield _start(service, programs, home=home, page_seconds=page_seconds, headless=headless)
        finally:
            _end(_processes(service, home))
            # The driver is dead by now: this only waits for it and closes its pipes.
            with contextlib.suppress(Exception):
                service.stop()
            _remove(home)


def _start(
    service: Service, programs: Programs, *, home: Path, page_seconds: float, headless: bool
) -> WebDriver:
    try:
        service.start()
        config = ClientConfig(
            remote_server_addr=service.service_url,
            keep_alive=True,
            # The driver must have time to report its own time-out first.
            timeout=int(max(START_SECONDS, page_seconds + 15)),
            init_args_for_pool_manager={"init_args_for_pool_manager": {"retries": False}},
        )
        line = ChromiumRemoteConnection(
            remote_server_addr=service.service_url,
            vendor_prefix="goog",
            browser_name="chrome",
            ignore_proxy=True,
            client_config=config,
        )
        driver = WebDriver(command_executor=line, options=_options(programs, home, headless))
        driver.set_page_load_timeout(page_seconds)
        driver.set_script_timeout(page_seconds)
    except (WebDriverException, HTTPError, OSError) as error:
        raise BrowserMissing(
            f"{programs.chromium} did not start through {programs.driver} ({type(error).__name__})"
        ) from None
    return driver


def _options(programs: Programs, home: Path, headless: bool) -> ChromeOptions:
    options = ChromeOptions()
    options.binary_location = str(programs.chromium)
    for flag in FLAGS if has_sandbox() else (*FLAGS, "--no-sandbox"):
        options.add_argument(flag)
    if headless:
        options.add_argument("--headless=new")
    for flag, directory in (
        ("user-data-dir", "profile"),
        ("disk-cache-dir", "cache"),
        ("crash-dumps-dir", "crashes"),
    ):
        options.add_argument(f"--{flag}={home / directory}")
    return options


@functools.cache
def has_sandbox() -> bool:
    """Tell whether Chromium can lock its pages in: not as root, nor in most containers."""
    if os.geteuid() == 0:
        return False
    tried = subprocess.run(
        [sys.executable, "-I", "-c", _TRY_NAMESPACES], capture_output=True, check=False
    )
    return tried.returncode == 0


def other_people() -> list[str]:
    """Name the accounts of people on this machine that are not ours, by their shell."""
    return [
        one.pw_name
        for one in pwd.getpwall()
        if 1000 <= one.pw_uid < 65534
        and one.pw_uid != os.geteuid()
        and not one.pw_shell.endswith(("nologin", "false"))
    ]


def _environment(home: Path, *, headless: bool) -> dict[str, str]:
    """Send everything Chromium writes into its own directory; a secret of ours never goes along."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
    kept |= {"TMPDIR": str(home), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    if headless:  # a screen's key (.Xauthority) lies in the real home
        kept["HOME"] = str(home)
    return kept


def _sweep() -> None:
    """End and remove what a killed process of ours has left behind; needs the lock."""
    for home in Path(PLACE).glob(f"{PREFIX}*"):
        named = _HOME.fullmatch(home.name)
        if named is None or not _is_ours(home):
            continue  # everybody may make a folder there
        owner = int(named[1])
        # Lambda gives the next process the number of the killed one, which is ours then.
        if owner == os.getpid() or not psutil.pid_exists(owner):
            _end(_processes(None, home))
            _remove(home)


def _is_ours(home: Path) -> bool:
    try:
        found = home.lstat()
    except OSError:  # its owner has just removed it
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def _processes(service: Service | None, home: Path) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    process = getattr(service, "process", None)
    if process is not None and process.poll() is None:
        with contextlib.suppress(psutil.Error):
            driver = psutil.Process(process.pid)
            found |= {one.pid: one for one in [driver, *driver.children(recursive=True)]}
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if one.environ().get("TMPDIR") == str(home) or str(home) in " ".join(one.cmdline()):
                found[one.pid] = one
    found.pop(os.getpid(), None)
    return list(found.values())


def _end(processes: list[psutil.Process]) -> None:
    # Its profile is thrown away, so Chromium needs no time to say goodbye.
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    ends = time.monotonic() + END_SECONDS
    while any(map(_lives, processes)) and time.monotonic() < ends:
        time.sleep(0.01)


def _lives(process: psutil.Process) -> bool:
    """Tell whether it runs; in a container without an init, we must bury our dead ourselves."""
    with contextlib.suppress(psutil.Error):  # it may end between any two of these
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(timeout=0)
            return False
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _remove(home: Path) -> None:
    for _ in range(3):  # a dying process may still write a last file
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return
