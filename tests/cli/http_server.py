#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that does what a script says, for tests of what writes to one.

usage: http_server.py [--dir DIR] [--late SECONDS] [--keep] [--tls CERT KEY] STEP...

The n-th request gets the n-th step, and the last step again from then on:
    ok            204
    NNN           that status, with {"error":"as told"}; 507 has another text
    NNN+S         that status, and Retry-After: S
    slow=S        204 after S seconds
    bad=TEXT      400 if the body has TEXT in it, else 204
    half          the beginning of a 200, then the connection is closed
    lost          taken, but the connection is closed without an answer
    garbage       something that is no HTTP
    page          200 with a page of HTML, as from a portal
    away=S        nobody listens for S seconds; then the next step is done instead

In DIR (default: here): `port` when it is bound, `accepted` with the bodies that it has taken, `requests` with a line
for each: seconds since the start, path, status, authorization. --late: it begins to listen so late. --keep: bodies as they came, in
body.0 and so on. It runs until it gets SIGTERM.
"""
import argparse
import gzip
import http.server
import os
import socket
import ssl
import sys
import time

arguments = argparse.ArgumentParser()
arguments.add_argument("--dir", default=".")
arguments.add_argument("--late", type=float, default=0)
arguments.add_argument("--keep", action="store_true")
arguments.add_argument("--tls", nargs=2)
arguments.add_argument("steps", nargs="+")
options = arguments.parse_args()

started = time.monotonic()
accepted = open(os.path.join(options.dir, "accepted"), "wb", buffering=0)
requests = open(os.path.join(options.dir, "requests"), "w", buffering=1)
seen = 0
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def next_step(self):
        if len(options.steps) > 1:
            return options.steps.pop(0)
        return options.steps[0]

    def answer(self, status, text=b"", retry_after=None):
        self.send_response(status)
        if retry_after:
            self.send_header("Retry-After", retry_after)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def take(self, body):
        accepted.write(body)

    def do_step(self, step, body):
        name, _, value = step.partition("=")
        if name == "bad" and value.encode() in body:
            self.answer(400, b'{"error":"partial write: unable to parse \'%s\' dropped=1"}\n' % value.encode())
            return 400
        if name in ("ok", "slow", "bad"):
            time.sleep(float(value) if name == "slow" else 0)
            self.take(body)
            self.answer(204)
            return 204
        if name == "page":
            self.answer(200, b"<html>please log in</html>\n")
            return 200
        if name in ("half", "lost", "garbage"):
            self.close_connection = True
            if name == "lost":
                self.take(body)
            else:
                self.wfile.write(HALF if name == "half" else b"-ERR unknown command\r\n")
            return 0
        status, _, retry_after = name.partition("+")
        text = b"no space left on device" if status == "507" else b"as told"
        self.answer(int(status), b'{"error":"%s"}\n' % text, retry_after)
        return int(status)

    def do_POST(self):
        global seen
        step = self.next_step()
        if step.startswith("away="):
            self.close_connection = True
            self.server.away = float(step[5:])
            return
        body = raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if options.keep:
            with open(os.path.join(options.dir, "body.%d" % seen), "wb") as f:
                f.write(raw)
        seen += 1
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(raw)
        at = time.monotonic() - started
        status = self.do_step(step, body)
        print("%.3f %s %d %s" % (at, self.path, status, self.headers.get("Authorization", "-")), file=requests)

    do_GET = do_POST


class Server(http.server.HTTPServer):
    away = 0

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


def bound(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    return s


def serve(listening):
    listening.listen(16)
    server = Server(listening.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        server.socket = context.wrap_socket(listening, server_side=True)
    while not server.away:
        server.handle_request()
    server.server_close()
    return server.away


first = bound(0)
number = first.getsockname()[1]
with open(os.path.join(options.dir, "port.new"), "w") as f:
    print(number, file=f)
os.rename(os.path.join(options.dir, "port.new"), os.path.join(options.dir, "port"))
time.sleep(options.late)
while True:
    pause = serve(first)
    first = bound(number)
    time.sleep(pause)
