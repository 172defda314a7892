"""An OTLP receiver on 4318; what it was sent is told on 16686 in the words of Jaeger's own API: GET /api/traces/ID, GET /api/services."""

import collections
import http.server
import json
import threading

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

lock = threading.Lock()
traces = collections.defaultdict(list)
services = set()


def take(body):
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    with lock:
        for resource in request.resource_spans:
            names = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
            service = names.get("service.name", "")
            services.add(service)
            for scope in resource.scope_spans:
                traces_of(service, scope.spans)


def traces_of(service, spans):
    for span in spans:
        trace, above = span.trace_id.hex(), span.parent_span_id.hex()
        references = [{"refType": "CHILD_OF", "traceID": trace, "spanID": above}] if above else []
        told = {"traceID": trace, "spanID": span.span_id.hex(), "operationName": span.name, "references": references, "processID": service}
        traces[trace].append(told)


def trace(name):
    spans = traces.get(name, [])
    processes = {span["processID"]: {"serviceName": span["processID"]} for span in spans}
    return [{"traceID": name, "spans": spans, "processes": processes}] if spans else []


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
            known = sorted(services) if self.path == "/api/services" else trace(self.path.removeprefix("/api/traces/"))
            body = json.dumps({"data": known}).encode()
        self.answer(200, "application/json", body)

    def log_message(self, *_):
        pass


for port in (16686, 4318):
    server = http.server.ThreadingHTTPServer(("", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=port != 4318).start()
