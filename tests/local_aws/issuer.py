"""An OpenID Connect issuer on this machine: its keys by HTTP, and tokens signed with RS256. Slow and simple: it is for
tests, and spares them a library."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What PKCS #1 writes before a SHA-256 digest.
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
EXPONENT = 65537


class Issuer:
    def __enter__(self) -> "Issuer":
        first, second = prime(1024), prime(1024)
        self._modulus = first * second
        self._private = pow(EXPONENT, -1, (first - 1) * (second - 1))
        self._key_id = secrets.token_hex(4)
        documents = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                document = documents.get(self.path)
                self.send_response(200 if document else 404)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(document).encode())

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self._key_id, "e": number(EXPONENT)}
        documents["/keys"] = {"keys": [{**key, "n": number(self._modulus)}]}
        documents["/.well-known/openid-configuration"] = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, **claims) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": "postback", "sub": "shop", "iat": now, "exp": now + 600, **claims}
        header = {"alg": "RS256", "typ": "JWT", "kid": self._key_id}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        digest = SHA256_PREFIX + hashlib.sha256(signed.encode()).digest()
        size = (self._modulus.bit_length() + 7) // 8
        padded = b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest
        signature = pow(int.from_bytes(padded), self._private, self._modulus).to_bytes(size)
        return f"{signed}.{encode(signature)}"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


def prime(bits: int) -> int:
    while True:
        candidate = secrets.randbits(bits) | 1 << (bits - 1) | 1 << (bits - 2) | 1
        # Fermat's test: for numbers drawn at random, as good as any. And no common factor with the exponent.
        if pow(2, candidate - 1, candidate) == 1 and (candidate - 1) % EXPONENT:
            return candidate
