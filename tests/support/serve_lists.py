#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""serve_lists.py FIXTURES: a small API server for end-to-end scripts.

Prints its port, then answers list requests from FIXTURES/kube-api and
FIXTURES/kube until it is killed. The bearer token chooses how: "good" finds
all but jobs (forbidden), "poor" may not read NetworkPolicies either, any other
is not known.
"""
import http.server
import os
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        name = self.path.split("?")[0].split("/")[-1]
        paths = [sys.argv[1] + folder + "list-" + name + ".json"
                 for folder in ("/kube-api/", "/kube/")]
        paths = [p for p in paths if os.path.exists(p)]
        token = self.headers.get("Authorization", "").replace("Bearer ", "")
        forbidden = {"good": ["jobs"], "poor": ["jobs", "networkpolicies"]}
        status, body = 404, b"404 page not found\n"
        if token not in forbidden:
            status, body = 401, b'{"message":"Unauthorized"}'
        elif name in forbidden[token]:
            status, body = 403, b'{"message":"%s is forbidden"}' % (
                name.encode())
        elif paths:
            with open(paths[0], "rb") as file:
                status, body = 200, file.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
