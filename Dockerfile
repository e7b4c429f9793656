# Image of the command line, of the page, or of the label server: docs/how_to/container.md. `make image` collects the wheels and builds it;
# by hand: python -m benchmarks.image wheels && docker build --target page -t usseg-monai:page .
# The build needs no network: everything is in the wheels and the base.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS builder
ARG WHEELS=wheels/predict
COPY ${WHEELS} /wheels
RUN python3 -m venv /pip \
 && python3 -m venv --without-pip /opt/usseg \
 && /pip/bin/pip --python /opt/usseg/bin/python --disable-pip-version-check install \
    --no-index --no-deps --no-cache-dir --find-links /wheels -r /wheels/requirements.txt
# Only weights that everybody may pass on are in the package's wheel. Those of other tasks lie in wheels/*/weights if somebody asked for them.
ARG TASKS=fetal_head,left_ventricle
RUN cd /opt/usseg/lib/python3*/site-packages/usseg_monai/bundles \
 && if [ -d /wheels/weights ]; then /opt/usseg/bin/usseg weights add /wheels/weights || true; fi \
 && for task in $(echo "$TASKS" | tr , ' '); do \
      [ -f "$task/models/model.onnx" ] || { echo "TASKS: the wheels have no weights of '$task': make image TASKS=$TASKS"; exit 1; }; \
    done \
 && for task in *; do case ",$TASKS," in *",$task,"*) ;; *) rm -rf "$task/models" ;; esac; done

FROM ${BASE} AS command
ARG VERSION=0.1.0
ARG LICENSES="Apache-2.0 AND CC-BY-4.0 AND CC0-1.0 AND MIT"
ARG WEIGHTS="fetal_head: CC BY 4.0 (trained on HC18, van den Heuvel et al. 2018); left_ventricle: Apache-2.0 (trained on the Sunnybrook Cardiac Data, Radau et al. 2009, CC0 1.0)"
LABEL org.opencontainers.image.title="usseg-monai" \
      org.opencontainers.image.description="Finds structures in 2-D medical images and measures them. Not a medical device" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="${LICENSES}" \
      usseg.weights.licenses="${WEIGHTS}"
# The base's pip, and the copy of it that venv brings along, have nothing to do in the result.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip \
      /usr/lib/python3*/ensurepip /usr/lib/python3/dist-packages/pip* /usr/share/python-wheels \
 && useradd --uid 10001 --user-group --no-log-init --no-create-home --home-dir /tmp --shell /usr/sbin/nologin usseg \
 && mkdir /in /out /images \
 && chown usseg:usseg /out /images
COPY --from=builder /opt/usseg /opt/usseg
# With a read-only root only /tmp and the volumes can be written.
ENV PATH=/opt/usseg/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /out
USER 10001:10001
# Ctrl-C's signal: a run stops in order, and goes on later with --resume.
STOPSIGNAL SIGINT
ENTRYPOINT ["usseg"]
CMD ["--help"]

# Build argument WHEELS=wheels/label. It listens on 127.0.0.1 only: run it with --network host.
FROM command AS label
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=4); c.request('GET', '/auth/'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "usseg_monai.label_app"]
CMD ["/images"]

FROM command AS page
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8765, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["app", "--host", "0.0.0.0", "--port", "8765", "--address", "http://127.0.0.1:8765", "--no-browser"]
