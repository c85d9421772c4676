"""Certificates for the tests: an authority of our own, and what goes wrong with certificates in life."""

import datetime as dt
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


def now():
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


class Issued:
    """A certificate with its key and its chain, in files."""

    def __init__(self, folder, label, certificates, key):
        self.expiry = min(c.not_valid_after_utc for c in certificates).timestamp()
        self.cert_file = folder / f"{label}.crt"
        self.key_file = folder / f"{label}.key"
        self.cert_file.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates))
        self.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def server(self):
        """Return a server's context."""
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.load_cert_chain(self.cert_file, self.key_file)
        return made


class Authority:
    """Signs certificates for 127.0.0.1, ::1 and hub.test, or for whom it is told."""

    def __init__(self, folder, name="Test authority"):
        self.folder = folder
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(self.name, self.key, self.name, self.key, ca=True)
        self.file = folder / f"{name.replace(' ', '-').lower()}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        self.count = 0

    def sign(self, name, key, issuer, issuer_key, *, ca=False, names=(), start=None, days=30):
        begin = start or now() - DAY
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(now() + days * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(identifier, critical=False)
            .add_extension(authority, critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    def issue(self, *hosts, days=30, start=None, self_signed=False, middle_days=None):
        """Issue a certificate for *hosts*; with *middle_days* under an authority in between, in the chain."""
        self.count += 1
        names = [named(host) for host in hosts or ("127.0.0.1", "::1", "hub.test")]
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"leaf {self.count}")])
        issuer, issuer_key, above = self.name, self.key, []
        if self_signed:
            issuer, issuer_key = name, key
        if middle_days is not None:
            issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "In between")])
            issuer_key = ec.generate_private_key(ec.SECP256R1())
            above = [self.sign(issuer, issuer_key, self.name, self.key, ca=True, days=middle_days)]
        leaf = self.sign(name, key, issuer, issuer_key, names=names, start=start, days=days)
        return Issued(self.folder, f"leaf-{self.count}", [leaf, *above], key)


def named(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
