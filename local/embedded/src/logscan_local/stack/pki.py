"""The cluster's certificates: one CA, and what it signs. Everything is valid for a year and made again by `up`."""

import base64
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALIDITY = timedelta(days=365)
SERVICE_IP = "10.0.0.1"
SERVER_NAMES = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]


@dataclass(frozen=True)
class Authority:
    """A certificate authority with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """Return the certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def create_authority(common_name: str) -> Authority:
    """Return a new self-signed authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    builder = _builder(name, name, key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return Authority(builder.sign(key, hashes.SHA256()), key)


def issue(authority: Authority, folder: Path, name: str, common_name: str, *groups: str) -> None:
    """Write `NAME.crt` and `NAME.key` into a folder: a certificate for client and server use on this machine.

    Args:
        authority: Who signs.
        folder: Where to.
        name: Base name of the two files.
        common_name: The user, for Kubernetes.
        groups: The user's groups, for Kubernetes.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(common_name, *groups), authority.certificate.subject, key.public_key())
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
    addresses = [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1", SERVICE_IP)]
    names = [x509.DNSName(n) for n in SERVER_NAMES]
    builder = builder.add_extension(usages, critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    certificate = builder.sign(authority.key, hashes.SHA256())
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    write_key(folder / f"{name}.key", key)


def write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    """Write a private key that only its owner can read."""
    path.touch(mode=0o600)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))


def create_all(folder: Path, node: str) -> None:
    """Write the CA and every certificate and key of a cluster into a folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = create_authority("logscan-local")
    (folder / "ca.crt").write_bytes(authority.pem)
    issue(authority, folder, "apiserver", "kube-apiserver")
    issue(authority, folder, "kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
    issue(authority, folder, "admin", "logscan-local-admin", "system:masters")
    issue(authority, folder, "controller-manager", "system:kube-controller-manager", "system:masters")
    issue(authority, folder, "node", f"system:node:{node}", "system:nodes", "system:masters")
    write_key(folder / "service-accounts.key", rsa.generate_private_key(public_exponent=65537, key_size=2048))


def write_kubeconfig(path: Path, pki: Path, user: str, server: str, namespace: str) -> None:
    """Write a kubeconfig that carries its certificates, so that it can be copied anywhere."""

    def encoded(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "logscan",
                "cluster": {"server": server, "certificate-authority-data": encoded("ca.crt")},
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": encoded(f"{user}.crt"),
                    "client-key-data": encoded(f"{user}.key"),
                },
            }
        ],
        "contexts": [
            {"name": "logscan-local", "context": {"cluster": "logscan", "user": user, "namespace": namespace}}
        ],
        "current-context": "logscan-local",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))


def _name(common_name: str, *groups: str) -> x509.Name:
    organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALIDITY)
    )
