# syntax=docker/dockerfile:1

FROM rust:1.95-bookworm AS source
WORKDIR /src
ENV CARGO_TERM_COLOR=never
COPY . .

# docker build --target test: all tests, compiled; they need a PostgreSQL and a Redis when they run. Without a cache,
# since cargo asks for the sources of all dependencies then, too.
FROM source AS test
RUN cargo test --workspace --locked --all-features --no-run
CMD ["cargo", "test", "--workspace", "--locked", "--all-features"]

FROM source AS build
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --package doorward \
    && install -D --mode=755 target/release/doorward /out/doorward \
    && install --directory --mode=700 /out/data

# The C library that the binary is linked with, the certificates of authorities, and a user.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 65532 --user-group --no-create-home --shell /usr/sbin/nologin doorward
LABEL org.opencontainers.image.title="Doorward" \
    org.opencontainers.image.description="The account service in one binary" \
    org.opencontainers.image.source="https://github.com/doorward/doorward" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out/doorward /usr/local/bin/doorward
# A new volume looks like this folder: it belongs to the image's user, and nobody else reads it.
COPY --from=build --chown=65532:65532 --chmod=700 /out/data /srv/doorward/data
WORKDIR /srv/doorward
USER 65532:65532
# ./data has the SQLite file and the secret key, unless DATABASE_URL and SECRET_KEY lead elsewhere.
VOLUME ["/srv/doorward/data"]
ENV BIND=0.0.0.0:8000
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=4s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/doorward", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/doorward"]
CMD ["serve"]
