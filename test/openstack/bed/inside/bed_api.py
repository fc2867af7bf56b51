"""WSGI middleware before each API: answers instead of it, slows it down, or loses its answers.

Moments have the fields method, path, query and agent. What a rule of $MUSTER_BED_FAULTS/SERVICE.WHOSE.json says:
  "delaySeconds": 3         waits before anything else
  "status": 503             answers this, with "headers" and "body", …
  "cut": true               or closes the connection without an answer, …
  "isDone": true            after the service has done what was asked; otherwise it never hears of it
"""

import http.client
import json
import os
import socket
import time

import bed_faults


class Faults:
    def __init__(self, app, service):
        self.app, self.service = app, service

    def __call__(self, environ, start_response):
        moment = {
            "method": environ["REQUEST_METHOD"],
            "path": environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
            "query": environ.get("QUERY_STRING", ""),
            "agent": environ.get("HTTP_USER_AGENT", ""),
        }
        rule = bed_faults.firing(self.service, moment) or {}
        time.sleep(rule.get("delaySeconds", 0))
        if "status" not in rule and "cut" not in rule:
            return self.app(environ, start_response)
        wire = environ["wsgi.input"]  # The service may put another in its place.
        if rule.get("isDone"):
            self._do(environ)
        else:
            wire.read(int(environ.get("CONTENT_LENGTH") or 0))
        if "cut" in rule:
            _cut(wire)
            start_response("500 Cut", [("Content-Length", "0"), ("Connection", "close")])
            return []
        return _answer(rule, start_response)

    def _do(self, environ):
        answer = self.app(environ, lambda status, headers, error=None: lambda data: None)
        try:
            for _ in answer:
                pass
        finally:
            if hasattr(answer, "close"):
                answer.close()


def _answer(rule, start_response):
    status = rule["status"]
    body = json.dumps(rule.get("body", {"fault": "of the test bed"})).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **rule.get("headers", {}),
    }
    start_response(f"{status} {http.client.responses.get(status, 'Fault')}", list(headers.items()))
    return [body]


def _cut(wire):
    """Ends the connection, so that what is answered afterwards reaches nobody."""
    if hasattr(wire, "get_socket"):  # Eventlet's server.
        wire.get_socket().shutdown(socket.SHUT_RDWR)
        return
    import uwsgi  # Only there inside of uWSGI.

    # Its own `disconnect` frees the descriptor, and the answer goes to whoever gets it next.
    with socket.socket(fileno=os.dup(uwsgi.connection_fd())) as connection:
        connection.shutdown(socket.SHUT_RDWR)


def factory(_, service):
    return lambda app: Faults(app, service)
