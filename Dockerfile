# The service in a container. This file has not been built where it was written; say so in an issue if it does not.
#   docker build -t dpa-kg .
#   docker run --read-only --tmpfs /tmp -v dpa-kg:/var/lib/dpa-kg -p 127.0.0.1:8000:8000 -e DPA_KG_PUBLIC_URL=https://kg.example.org dpa-kg

FROM python:3.12-slim AS build
WORKDIR /source
COPY requirements.lock pyproject.toml README.md LICENSE LICENSE-DATA ./
COPY ontology ontology
COPY shapes shapes
COPY queries queries
COPY data data
COPY src src
RUN python -m venv /opt/dpa-kg \
 && /opt/dpa-kg/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && /opt/dpa-kg/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/dpa-kg --create-home dpa-kg
COPY --from=build /opt/dpa-kg /opt/dpa-kg
ENV PATH=/opt/dpa-kg/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DPA_KG_HOME=/var/lib/dpa-kg \
    DPA_KG_HOST=0.0.0.0
USER dpa-kg
VOLUME /var/lib/dpa-kg
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
CMD ["dpa-kg", "serve"]
