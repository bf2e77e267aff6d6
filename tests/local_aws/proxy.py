"""A proxy before the local AWS that can take DynamoDB alone away: the emulator is one process with all services."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What a proxy does not pass on.
OWN_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class AwsProxy:
    """Passes every call on to the local AWS; while `down`, those to DynamoDB end without an answer."""

    def __init__(self, aws_port: int):
        self.down = False
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if proxy.down and self.headers.get("x-amz-target", "").startswith("DynamoDB_"):
                    self.close_connection = True
                    return
                aws = http.client.HTTPConnection("127.0.0.1", aws_port, timeout=120)
                try:
                    aws.request(self.command, self.path, body, dict(self.headers))
                    answer = aws.getresponse()
                    text = answer.read()
                finally:
                    aws.close()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in OWN_HEADERS:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
