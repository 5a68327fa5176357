"""What is not HTTP at all is refused before any app sees it, in the words in which all else is refused."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.http import tracing
from shared.http.problem import MEDIA_TYPE, Problem, written

_NOT_HTTP = Problem(
    400,
    "unreadable-request",
    "Permintaan tidak terbaca",
    "Baris pertama, tajuk (header) atau potongan isi permintaan bukan HTTP yang sah.",
    cure="Periksa cara (method), alamat dan tajuk: tanpa NUL atau tanda kendali lain; lalu kirim lagi.",
)


class Protocol(HttpToolsProtocol):
    """Reads HTTP as uvicorn does; its own refusal would be one line of English."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words, in its log already
        """Answers what the parser refuses and closes the connection."""
        correlation_id = str(tracing.begin(None, None).correlation_id)
        body = written(_NOT_HTTP, correlation_id)
        head = (
            "HTTP/1.1 400 Bad Request",
            f"Content-Type: {MEDIA_TYPE}",
            f"Content-Length: {len(body)}",
            f"X-Correlation-ID: {correlation_id}",
            "X-Content-Type-Options: nosniff",
            "Cache-Control: no-store",
            "Connection: close",
        )
        self.transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self.transport.close()
