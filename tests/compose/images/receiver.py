"""An OTLP receiver on 4318; what it was sent is told on 16686, where Jaeger has its page: GET /traces/ID, GET /services."""

import collections
import http.server
import json
import threading

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

lock = threading.Lock()
traces = collections.defaultdict(list)
services = collections.Counter()


def take(body):
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    with lock:
        for resource in request.resource_spans:
            names = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
            service = names.get("service.name", "")
            for scope in resource.scope_spans:
                for span in scope.spans:
                    services[service] += 1
                    attributes = {attribute.key: attribute.value.string_value for attribute in span.attributes}
                    traces[span.trace_id.hex()].append(
                        {"service": service, "name": span.name, "id": span.span_id.hex(), "parent": span.parent_span_id.hex(), "attributes": attributes}
                    )


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        take(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(200, "application/x-protobuf", ExportTraceServiceResponse().SerializeToString())

    def do_GET(self):
        with lock:
            known = traces if self.path == "/traces" else traces.get(self.path.removeprefix("/traces/"), services)
            body = json.dumps(known).encode()
        self.answer(200, "application/json", body)

    def log_message(self, *_):
        pass


for port in (16686, 4318):
    server = http.server.ThreadingHTTPServer(("", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=port != 4318).start()
