"""A Datadog agent on loopback that keeps the spans that it receives."""

import http.server
import json
import threading

import msgpack


class Intake:
    def __init__(self, stack):
        self.bodies = []
        intake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # An answer in two parts waits for the client's delayed acknowledgement otherwise, 40 ms.
            disable_nagle_algorithm = True

            def answer(self):
                body = self.body()
                if self.path == "/v0.4/traces":
                    intake.bodies.append(body)
                # No client-side statistics are offered: with them a tracer keeps traces that are not sampled to itself.
                info = {"version": "7.0.0", "endpoints": ["/v0.4/traces"], "client_drop_p0s": False}
                text = json.dumps(info if self.path == "/info" else {"rate_by_service": {}} if body else {}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = answer

            def body(self):
                if self.headers.get("transfer-encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def traces(self):
        """{trace id, 32 hex digits: [span]} of all that came."""
        spans = [span for body in list(self.bodies) for trace in msgpack.unpackb(body, strict_map_key=False) for span in trace]
        # Ids on the wire are lower halves; the upper one stands in a tag, on some spans of a trace.
        uppers = {span["trace_id"]: span["meta"]["_dd.p.tid"] for span in spans if "_dd.p.tid" in span["meta"]}
        traces = {}
        for span in spans:
            upper = uppers.get(span["trace_id"], "0" * 16)
            traces.setdefault(f"{upper}{span['trace_id']:016x}", []).append(span)
        return traces
