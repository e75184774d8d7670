"""The local server behind `inpaint mask`: for this machine alone, for whoever has its address, for as long as the page.

It listens on the loopback address. Every request carries the random token of the address, and the Host header of this
server, so that neither other users' programs nor pages of other sites (by DNS rebinding or a form) get an answer. It
serves no files: what it knows are the routes below.
"""

import contextlib
import hmac
import json
import queue
import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from inpaint_cli.errors import EnvironmentFault, InpaintError, is_out_of_memory, out_of_memory
from inpaint_cli.painting.desk import Desk
from inpaint_cli.painting.limits import LARGEST_BODY
from inpaint_cli.painting.session import Session

ADDRESS = "127.0.0.1"
MOST_STRANGERS = 32  # connections at once that have not shown the token
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the rest of the policy is in the page
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


Answer = dict[str, Any]  # JSON


class Patience(NamedTuple):
    """How long the server waits, in seconds."""

    opening: float = 900  # for the page to be opened at all
    silence: float = 150  # for the next sign of life: browsers let hidden pages speak once a minute
    return_: float = 4  # for a page that was left, which may be one that is loaded anew


class Refused(Exception):
    """A request that gets no answer but a status."""

    def __init__(self, status: HTTPStatus):
        self.status = status


class PaintingServer(ThreadingHTTPServer):
    """Serves one page for one session; `serve` returns when the page is done or gone."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # connections that wait to be accepted

    def __init__(
        self, session: Session, page: str, port: int = 0, patience: Patience = Patience(), desk: Desk | None = None
    ):
        """`page`: the HTML; `port` 0 takes any that is free; `desk`: what lies beside, where there is more."""
        self.session, self.page, self.patience, self.desk = session, page, patience, desk
        self.token = secrets.token_urlsafe(24)
        self.done = threading.Event()
        self._work: queue.SimpleQueue[tuple[Future[Answer], Callable[[], Answer]]] = queue.SimpleQueue()
        self._deadline = time.monotonic() + patience.opening
        self._strangers: dict[int, socket.socket] = {}  # connections that have not shown the token, oldest first
        self._counting = threading.Lock()
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            raise EnvironmentFault(f"--port {port}: {error.strerror}; --port 0 takes any that is free") from None
        self.hosts = {f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")}
        self.url = f"http://{ADDRESS}:{self.server_port}/{self.token}/"

    def serve(self) -> None:
        """Answer requests until the page says that it is done, or has been silent for too long.

        What computes and writes happens in the thread that calls this, one after the other: there Ctrl-C ends it.
        """
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()
        try:
            while not self.done.is_set() and time.monotonic() < self._deadline:
                self._do_work()
            time.sleep(0.2)  # the last answer is on its way
        finally:
            self.shutdown()
            self.server_close()

    def by_turns(self, work: Callable[[bytes], Answer], body: bytes) -> Answer:
        """Have `serve` do the work; returns or raises what it does."""
        future: Future[Answer] = Future()
        self._work.put((future, partial(work, body)))
        return future.result()

    def at_the_desk(self, work: Callable[[Desk, bytes], None], body: bytes) -> Answer:
        """Have `serve` do something to the desk; the page, loaded anew, shows what is on it then."""
        desk = self.desk
        if desk is None:
            raise Refused(HTTPStatus.NOT_FOUND)

        def shown(body: bytes) -> Answer:
            work(desk, body)
            self.session, self.page = desk.session, desk.page
            return {}

        return self.by_turns(shown, body)

    def _do_work(self) -> None:
        try:
            future, work = self._work.get(timeout=0.1)
        except queue.Empty:
            return
        try:
            future.set_result(work())
        except Exception as error:
            future.set_exception(error)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Of more strangers than `MOST_STRANGERS` the oldest is let go: whoever only connects keeps no one out."""
        with self._counting:
            self._strangers[request.fileno()] = request
            if len(self._strangers) > MOST_STRANGERS:
                oldest = self._strangers.pop(next(iter(self._strangers)))
                with contextlib.suppress(OSError):  # it has left
                    oldest.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.knows(request)
        super().shutdown_request(request)

    def knows(self, connection: socket.socket) -> None:
        """The connection is no stranger: it has shown the token, or is at its end."""
        with self._counting:
            if self._strangers.get(connection.fileno()) is connection:
                del self._strangers[connection.fileno()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves in the middle of a request is no fault."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def heard(self, patience: float) -> None:
        self._deadline = time.monotonic() + patience


class Handler(BaseHTTPRequestHandler):
    """Checks a request, calls its route, answers with the page or with JSON."""

    server: PaintingServer
    timeout = 60  # seconds for a request to arrive
    server_version, sys_version = "inpaint", ""

    def do_GET(self) -> None:
        self._answer(PAGES)

    def do_POST(self) -> None:
        self._answer(ACTIONS)

    def _answer(self, routes: "Routes") -> None:
        answer: str | Answer
        try:
            route = self._checked_route()
            if route not in routes:
                raise Refused(HTTPStatus.NOT_FOUND)
            answer, status = routes[route](self.server, self._body()), HTTPStatus.OK
        except (ConnectionError, TimeoutError):
            raise
        except Refused as refusal:
            answer, status = {"error": refusal.status.phrase}, refusal.status
        except Exception as error:
            answer, status = {"error": message_of(error)}, HTTPStatus.UNPROCESSABLE_ENTITY
        self._send(answer, status)

    def _checked_route(self) -> str:
        """The part of the path after the token. The token is compared in a time that tells nothing about it."""
        _, token, route = [*self.path.partition("?")[0].split("/", 2), "", ""][:3]
        known = hmac.compare_digest(token.encode(), self.server.token.encode())
        ours = self.headers.get("Host") in self.server.hosts
        origin = self.headers.get("Origin")  # browsers name it with every POST
        if not (known and ours and (origin is None or origin.removeprefix("http://") in self.server.hosts)):
            raise Refused(HTTPStatus.FORBIDDEN)
        self.server.knows(self.connection)
        return route

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > LARGEST_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.rfile.read(int(length))

    def _send(self, answer: str | Answer, status: HTTPStatus) -> None:
        is_page = isinstance(answer, str)
        body = (answer if isinstance(answer, str) else json.dumps(answer)).encode(errors="backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8" if is_page else "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """The terminal is for what concerns the user."""


def message_of(error: Exception) -> str:
    """What the page shows; a fault of ours goes to the terminal too, with what is needed to find it."""
    if isinstance(error, InpaintError):
        return str(error)
    if is_out_of_memory(error):
        return f"{out_of_memory(error)}; a smaller hole or --device cpu helps"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.filename or 'the disk'}: {error.strerror}"
    traceback.print_exception(error, file=sys.stderr)
    return f"a fault in the program ({type(error).__name__}); the terminal says more. Painting and saving go on"


def _show(server: PaintingServer, body: bytes) -> str:
    server.heard(server.patience.silence)
    return server.page


def _alive(server: PaintingServer, body: bytes) -> Answer:
    server.heard(server.patience.silence)
    return {}


def _left(server: PaintingServer, body: bytes) -> Answer:
    server.heard(server.patience.return_)
    return {}


def _cancelled(server: PaintingServer, body: bytes) -> Answer:
    server.session.cancel()
    return {}


def _done(server: PaintingServer, body: bytes) -> Answer:
    server.done.set()
    return {}


Routes = dict[str, Callable[[PaintingServer, bytes], str | Answer]]
PAGES: Routes = {"": _show}
ACTIONS: Routes = {
    "complete": lambda server, body: server.by_turns(server.session.complete, body),
    "save": lambda server, body: server.by_turns(server.session.save, body),
    "cancel": _cancelled,
    "choose": lambda server, body: server.at_the_desk(Desk.choose, body),
    "drop": lambda server, body: server.at_the_desk(Desk.drop, body),
    "next": lambda server, body: server.at_the_desk(lambda desk, _: desk.turn(1), body),
    "previous": lambda server, body: server.at_the_desk(lambda desk, _: desk.turn(-1), body),
    "alive": _alive,
    "left": _left,
    "done": _done,
}
