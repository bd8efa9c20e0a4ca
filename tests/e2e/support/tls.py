"""Certificates made with the openssl program, and a relay that puts TLS before a plain server."""

import socket
import ssl
import subprocess
import threading
from pathlib import Path


def openssl(*args: str):
    subprocess.run(["openssl", *args], check=True, capture_output=True, timeout=60)


class Authority:
    """A CA in a folder, and certificates from it: NAME.crt and NAME.key."""

    def __init__(self, folder: Path, name: str = "ca"):
        self.folder, self.name = folder, name
        self.file = folder / f"{name}.crt"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", f"/CN=test {name}", "-keyout", str(folder / f"{name}.key"), "-out", str(self.file))

    def make(self, name: str, hosts: str = "DNS:localhost,IP:127.0.0.1", days: int = 30) -> tuple[str, str]:
        key, request, certificate = (str(self.folder / f"{name}.{end}") for end in ("key", "csr", "crt"))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={hosts}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", str(self.file), "-CAkey", str(self.folder / f"{self.name}.key"),
                "-days", str(days), "-copy_extensions", "copyall", "-out", certificate)
        return certificate, key

    def client(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))


def name_shown(port: int, context: ssl.SSLContext) -> str:
    """The common name of the certificate that a server shows to a new connection."""
    with socket.create_connection(("127.0.0.1", port), 30) as plain, \
            context.wrap_socket(plain, server_hostname="localhost") as secure:
        return dict(pair for rdn in secure.getpeercert()["subject"] for pair in rdn)["commonName"]


class TlsRelay:
    """Listens with TLS and passes the bytes on to a plain port, both ways."""

    def __init__(self, target: int, certificate: str, key: str):
        self.target = target
        self.handshakes = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._socket.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            secure = self._context.wrap_socket(plain, server_side=True)
        except OSError:
            plain.close()
            return
        self.handshakes += 1
        behind = socket.create_connection(("127.0.0.1", self.target), 30)
        threading.Thread(target=self._pump, args=(secure, behind), daemon=True).start()
        self._pump(behind, secure)
        secure.close()
        behind.close()

    @staticmethod
    def _pump(source, sink):
        try:
            while got := source.recv(65536):
                sink.sendall(got)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self._socket.close()
