"""Answers ListObjectsV2 for a bucket of any size: `python listing_stub.py COUNT` prints its port, then serves.

The keys are like those of a load balancer, 107 characters long, and never stored.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

PAGE = 1000
PREFIX = "AWSLogs/123456789012/elasticloadbalancing/eu-central-1/2026/11/27/app.load-balancer.50dc6c495c0c9188_"
ENTRY = (
    "<Contents><Key>{}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>"
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>20480</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
)


def key(number: int) -> str:
    """Return a key of the bucket."""
    return f"{PREFIX}{number:09}.log.gz"


def answer(query: dict[str, list[str]], count: int) -> str:
    """Return what S3 would answer."""
    after = query.get("start-after", [""])[0]
    first = int(after.removeprefix(PREFIX).split(".")[0]) + 1 if after else 0
    numbers = range(first, min(first + PAGE, count))
    entries = "".join(ENTRY.format(quote(key(number))) for number in numbers)
    more = str(numbers.stop < count).lower()
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>logs</Name><KeyCount>{len(numbers)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"<EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>{entries}</ListBucketResult>"
    )


def main() -> None:
    """Serve."""
    count = int(sys.argv[1])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer."""
            body = answer(parse_qs(urlsplit(self.path).query), count).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
