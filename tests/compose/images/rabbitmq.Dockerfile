# Stands for the official rabbitmq image with the management plugin: Debian's RabbitMQ.
FROM debian:trixie-slim
RUN groupadd -r -g 999 rabbitmq && useradd -r -u 999 -g rabbitmq -d /var/lib/rabbitmq rabbitmq && \
    apt-get update && apt-get install -y --no-install-recommends rabbitmq-server && rm -rf /var/lib/apt/lists/* && \
    install -d -o rabbitmq -g rabbitmq -m 755 /var/lib/rabbitmq && rm -f /var/lib/rabbitmq/.erlang.cookie && \
    chown -R rabbitmq:rabbitmq /etc/rabbitmq
ENV PATH=/usr/lib/rabbitmq/bin:$PATH HOME=/var/lib/rabbitmq RABBITMQ_LOGS=- LANG=C.UTF-8
COPY rabbitmq-entrypoint /usr/local/bin/docker-entrypoint.sh
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["rabbitmq-server"]
