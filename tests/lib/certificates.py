"""certificates.py - a certificate for a name, and an app behind TLS"""
import ssl

from app import App
from gateway import run


def make_certificate(folder, name, host):
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
        "-keyout", key, "-out", certificate)
    key.chmod(0o600)
    return certificate, key


class TlsApp(App):
    """An app behind TLS; a handshake that the gateway breaks off ends that connection only."""

    def __init__(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        super().__init__()

    def _serve(self, connection):
        try:
            wrapped = self.context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        super()._serve(wrapped)
