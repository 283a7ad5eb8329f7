# SPDX-FileCopyrightText: 2026 The hyperkube authors
# SPDX-License-Identifier: Apache-2.0
"""A download site with many releases that are never all there: upstream.py PORT VERSIONS KUBELET-AMD64 KUBECTL-AMD64 KUBELET-ARM64 KUBECTL-ARM64.

Each file is one of the given ones with its own path behind it, so that the hash of the given one has to be taken once only.
Every request is a line on standard output."""
import hashlib
import http.server
import json
import os
import sys

port, count, *files = sys.argv[1:]
VERSIONS = [f"v1.{30 + i // 15}.{i % 15}" for i in range(int(count))]
BASES = {}
for (arch, name), path in zip([(a, n) for a in ("amd64", "arm64") for n in ("kubelet", "kubectl")], files):
    hashes = {"sha256": hashlib.sha256(), "sha512": hashlib.sha512()}
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            for each in hashes.values():
                each.update(block)
    BASES[f"bin/linux/{arch}/{name}"] = (path, os.path.getsize(path), hashes)


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def log_message(self, *_):
        print(self.command, self.path, flush=True)

    def answer(self, with_body):
        path = self.path.removeprefix("/release/")
        if path == "release-notes-index.json":
            return self.small(json.dumps({v: "https://example.com" for v in VERSIONS}), with_body)
        version, _, rest = path.partition("/")
        binary, _, suffix = rest.partition(".")
        if version not in VERSIONS or binary not in BASES:
            return self.send(404, 0)
        file, size, hashes = BASES[binary]
        tail = f"\n{version}/{binary}\n".encode()
        if suffix in hashes:
            own = hashes[suffix].copy()
            own.update(tail)
            return self.small(own.hexdigest(), with_body)
        if suffix:
            return self.send(404, 0)
        self.send(200, size + len(tail))
        if with_body:
            with open(file, "rb") as content:
                self.connection.sendfile(content)
            self.wfile.write(tail)

    def small(self, text, with_body):
        self.send(200, len(text))
        if with_body:
            self.wfile.write(text.encode())

    def send(self, status, length):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.flush()


http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Site).serve_forever()
