# A mirror on any machine: feeds of /config/feeds.toml into /mirror, by a user without rights.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/cli.txt requirements/
RUN python -m venv /opt/feedmirror \
    && /opt/feedmirror/bin/pip install --no-cache-dir --require-hashes -r requirements/cli.txt
COPY pyproject.toml README.md LICENSE ./
COPY docs/feedmirror.1 docs/
COPY functions/feedmirror functions/feedmirror
RUN /opt/feedmirror/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=build /opt/feedmirror /opt/feedmirror
RUN groupadd --gid 10001 feedmirror \
    && useradd --uid 10001 --gid 10001 --no-create-home feedmirror \
    && install -d -o feedmirror -g feedmirror /mirror
ENV PATH=/opt/feedmirror/bin:$PATH \
    FEEDMIRROR_CONFIG=/config/feeds.toml \
    FEEDMIRROR_STORE=/mirror
USER 10001:10001
VOLUME /mirror
# Healthy while the configuration and the mirror can be read: a failing origin (exit code 1) is no
# reason to start the container anew.
HEALTHCHECK --interval=5m --timeout=60s --start-period=1m \
    CMD ["sh", "-c", "feedmirror status --json >/dev/null || test $? -eq 1"]
ENTRYPOINT ["feedmirror"]
CMD ["run", "--watch"]
