# docker build -t plimsoll .        docs/service.md says how it is run
#
# The first stage is Debian 12 with what scripts/lib/packages.sh names; the image itself has no shell and no package
# manager: the program, its shared libraries, certificates and one user that is not root.

FROM debian:12 AS build
COPY . /src
WORKDIR /src
# Debian 12 brings the versions.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && scripts/run --build \
    && scripts/image-root /image \
    && rm -rf /var/lib/apt/lists/*

FROM scratch
COPY --from=build /image /
USER 65532:65532
# Published ports arrive on the container's own address, not on its loopback: compose.yaml publishes to this host's
# loopback only, which is what makes the consent to listen without keys right.
ENV PLIMSOLL_SERVER_LISTEN=0.0.0.0:11435 \
    PLIMSOLL_SERVER_ALLOW_OPEN_LISTEN=true \
    PLIMSOLL_CONFIG=/etc/plimsoll/plimsoll.toml
VOLUME /var/lib/plimsoll
EXPOSE 11435
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/usr/bin/plimsoll", "health"]
ENTRYPOINT ["/usr/bin/plimsoll"]
CMD ["serve"]
