# Stands where Jaeger does: takes spans with the protobuf types that OpenTelemetry ships for Python, and tells what it was sent.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
COPY python /usr/local/lib/python3/dist-packages
COPY receiver.py /usr/local/bin/receiver.py
ENV PYTHONPATH=/usr/local/lib/python3/dist-packages PYTHONUNBUFFERED=1
USER 10001:10001
ENTRYPOINT ["python3", "/usr/local/bin/receiver.py"]
