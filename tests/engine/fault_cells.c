#include "fault_cells.h"

#include "engine/engine.h"

/* Columns. */
enum { P0 = 1, P1 = 2, T0 = 4, T1 = 8, H0 = 16, H1 = 32 }; /* plain, TLS, HTTP/2; 0 fresh, 1 reused */
enum { ALL = 63, FRESH = P0 | T0 | H0, REUSED = P1 | T1 | H1, PLAIN = P0 | P1, SECURE = T0 | T1 | H0 | H1 };
enum { HTTP1 = P0 | P1 | T0 | T1, HTTP2 = H0 | H1 };

/* Failures. Where TCP decides which of two errors is seen first, both are right. */
enum {
  OK = 1 << LP_OK,
  NETWORK = 1 << LP_NETWORK,
  TLS = 1 << LP_TLS,
  TIMEOUT = 1 << LP_TIMEOUT,
  PROTOCOL = 1 << LP_PROTOCOL,
  LOST = NETWORK | PROTOCOL,
};

/* Outcomes. */
enum { ANSWERED = 1 << LP_ANSWERED, NOT_SENT = 1 << LP_NOT_SENT, UNKNOWN = 1 << LP_UNKNOWN };

#define AT(where_, how_) .plan = {.place = PLACE_##where_, .how = HOW_##how_}
#define AT_THEN(where_, how_, then_) .plan = {.place = PLACE_##where_, .how = HOW_##how_, .then = THEN_##then_}
#define SAYS(how_, answer_) .plan = {.place = PLACE_ANSWER, .how = HOW_##how_, .answer = answer_}
#define CERT(which) .plan = {.certificate = CERT_##which}
#define TLS_SAYS(answer_) \
  .plan = {.place = PLACE_TLS, .how = HOW_FIN, .answer = answer_, .answer_len = sizeof answer_ - 1}
#define EARLY(how_, answer_) .plan = {.place = PLACE_PART, .how = HOW_##how_, .answer = answer_}
#define PROXY(where_, how_) .plan = {.proxy = true, .place = PLACE_##where_, .how = HOW_##how_}
#define PROXY_SAYS(how_, answer_) .plan = {.proxy = true, .place = PLACE_CONNECT, .how = HOW_##how_, .answer = answer_}
#define EXPECT(failures_, outcomes_, acted_) .failures = (failures_), .outcomes = (outcomes_), .acted = (acted_)

/* A complete answer, for rows about what comes before it. */
#define DONE "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"

const cell_row cell_rows[] = {
    /* libcurl sends a POST again when a reused connection dies without an answer, and tells nobody… */
    {"libcurl's own second sending of a POST", P1, AT(AFTER, FIN), EXPECT(NETWORK, UNKNOWN, 1)},
    /* …and calls this a success, with status 200. */
    {"libcurl's success on half a header", P0, AT(HEADERS, FIN), EXPECT(PROTOCOL, UNKNOWN, 1)},

    {"name not resolved", FRESH, EXPECT(NETWORK, NOT_SENT, 0), .host = HOST_NO_NAME},
    {"name, time-out", FRESH, EXPECT(TIMEOUT, NOT_SENT, 0), .host = HOST_SLOW_NAME},
    {"connection refused", FRESH, EXPECT(NETWORK, NOT_SENT, 0), .host = HOST_CLOSED},
    {"connection, time-out", FRESH, EXPECT(TIMEOUT, NOT_SENT, 0), .host = HOST_DEAF},

    {"TLS refused, FIN", T0 | H0, AT(TLS, FIN), EXPECT(TLS | NETWORK, NOT_SENT, 0)},
    {"TLS refused, RST", T0 | H0, AT(TLS, RST), EXPECT(TLS | NETWORK, NOT_SENT, 0)},
    {"TLS refused, alert", T0 | H0, TLS_SAYS("\x15\x03\x03\x00\x02\x02\x28"), EXPECT(TLS, NOT_SENT, 0)},
    {"TLS refused, plain HTTP", T0 | H0, TLS_SAYS("HTTP/1.1 400 Bad Request\r\n\r\n"), EXPECT(TLS, NOT_SENT, 0)},
    {"TLS, time-out", T0 | H0, AT(TLS, SILENT), EXPECT(TIMEOUT, NOT_SENT, 0)},
    {"TLS, certificate not trusted", T0 | H0, CERT(UNTRUSTED), EXPECT(TLS, NOT_SENT, 0)},
    {"TLS, certificate for another name", T0 | H0, CERT(WRONG_NAME), EXPECT(TLS, NOT_SENT, 0)},
    {"TLS, certificate expired", T0 | H0, CERT(EXPIRED), EXPECT(TLS, NOT_SENT, 0)},
    /* With TLS 1.3 the server says so only after the client has begun to send. */
    {"TLS, client certificate wanted", T0 | H0, CERT(WANTS_CLIENT), EXPECT(TLS | NETWORK, UNKNOWN | NOT_SENT, 0)},

    /* The kernel takes the bytes whether or not anybody reads them, so on a fresh connection both may be seen. */
    {"before the request, FIN", FRESH, AT(BEFORE, FIN), EXPECT(NETWORK, UNKNOWN | NOT_SENT, 0)},
    {"before the request, RST", FRESH, AT(BEFORE, RST), EXPECT(NETWORK, UNKNOWN | NOT_SENT, 0)},
    {"before the request, close_notify", T0 | H0, AT(BEFORE, NOTIFY), EXPECT(NETWORK, UNKNOWN | NOT_SENT, 0)},
    {"before the request, time-out", FRESH, AT(BEFORE, SILENT), EXPECT(TIMEOUT, UNKNOWN | NOT_SENT, 0)},
    {"before the request is read, FIN", REUSED, AT(BEFORE, FIN), EXPECT(NETWORK, UNKNOWN, 0)},
    {"before the request is read, RST", REUSED, AT(BEFORE, RST), EXPECT(NETWORK, UNKNOWN, 0)},
    {"before the request is read, close_notify", T1 | H1, AT(BEFORE, NOTIFY), EXPECT(NETWORK, UNKNOWN, 0)},
    {"before the request is read, time-out", REUSED, AT(BEFORE, SILENT), EXPECT(TIMEOUT, UNKNOWN, 0)},

    {"part of the request, FIN", ALL, AT(PART, FIN), EXPECT(LOST, UNKNOWN, 0)},
    {"part of the request, RST", ALL, AT(PART, RST), EXPECT(LOST, UNKNOWN, 0)},
    {"part of the request, time-out", ALL, AT(PART, SILENT), EXPECT(TIMEOUT, UNKNOWN, 0)},

    {"all of the request, FIN", ALL, AT(AFTER, FIN), EXPECT(NETWORK, UNKNOWN, 1)},
    {"all of the request, RST", ALL, AT(AFTER, RST), EXPECT(NETWORK, UNKNOWN, 1)},
    {"all of the request, close_notify", SECURE, AT(AFTER, NOTIFY), EXPECT(NETWORK, UNKNOWN, 1)},
    {"all of the request, time-out", ALL, AT(AFTER, SILENT), EXPECT(TIMEOUT, UNKNOWN, 1)},

    {"in the status line, FIN", ALL, AT(STATUS, FIN), EXPECT(LOST, UNKNOWN, 1)},
    {"in the status line, RST", ALL, AT(STATUS, RST), EXPECT(LOST, UNKNOWN, 1)},
    {"in the status line, close_notify", SECURE, AT(STATUS, NOTIFY), EXPECT(LOST, UNKNOWN, 1)},
    {"in the status line, time-out", ALL, AT(STATUS, SILENT), EXPECT(TIMEOUT, UNKNOWN, 1)},

    {"between the headers, FIN", HTTP1, AT(HEADERS, FIN), EXPECT(PROTOCOL, UNKNOWN, 1)},
    {"between the headers, FIN", HTTP2, AT(HEADERS, FIN), EXPECT(LOST, UNKNOWN, 1)},
    {"between the headers, RST", ALL, AT(HEADERS, RST), EXPECT(LOST, UNKNOWN, 1)},
    {"between the headers, close_notify", SECURE, AT(HEADERS, NOTIFY), EXPECT(LOST, UNKNOWN, 1)},
    {"between the headers, time-out", ALL, AT(HEADERS, SILENT), EXPECT(TIMEOUT, UNKNOWN, 1)},

    {"in the body, FIN", ALL, AT(BODY, FIN), EXPECT(LOST, ANSWERED, 1)},
    {"in the body, RST", HTTP1, AT(BODY, RST), EXPECT(LOST, ANSWERED, 1)},
    /* A frame of the client's own meets the RST before the headers are read, or after. */
    {"in the body, RST", HTTP2, AT(BODY, RST), EXPECT(LOST, ANSWERED | UNKNOWN, 1)},
    {"in the body, close_notify", SECURE, AT(BODY, NOTIFY), EXPECT(LOST, ANSWERED, 1)},
    {"in the body, time-out", ALL, AT(BODY, SILENT), EXPECT(TIMEOUT, ANSWERED, 1)},
    {"in a chunk or DATA frame, FIN", ALL, AT(CHUNK, FIN), EXPECT(LOST, ANSWERED, 1)},
    {"in a chunk, RST", HTTP1, AT(CHUNK, RST), EXPECT(LOST, ANSWERED, 1)},
    {"in a DATA frame, RST", HTTP2, AT(CHUNK, RST), EXPECT(LOST, ANSWERED | UNKNOWN, 1)},
    {"in a chunk or DATA frame, close_notify", SECURE, AT(CHUNK, NOTIFY), EXPECT(LOST, ANSWERED, 1)},
    {"in a chunk or DATA frame, time-out", ALL, AT(CHUNK, SILENT), EXPECT(TIMEOUT, ANSWERED, 1)},

    /* A connection that ended while nobody used it was never tried: the request goes out once, on a new one. */
    {"ended while idle, FIN", REUSED, AT(IDLE, FIN), EXPECT(OK, ANSWERED, 1)},
    /* libcurl 7.88 takes these two for alive (an error is not an end, and close_notify is something to read). */
    {"ended while idle, RST", REUSED, AT(IDLE, RST), EXPECT(OK, ANSWERED, 1)},
    {"ended while idle, close_notify", T1 | H1, AT(IDLE, NOTIFY), EXPECT(OK, ANSWERED, 1)},
    {"ended while idle, then refused", REUSED, AT_THEN(IDLE, FIN, REFUSED), EXPECT(NETWORK, NOT_SENT, 0)},

    /* Where libcurl's second sending fails, its error is that of a request that was never sent. It was. */
    {"all of the request, then refused", REUSED, AT_THEN(AFTER, FIN, REFUSED), EXPECT(NETWORK, UNKNOWN, 1)},
    {"all of the request, then TLS refused", T1 | H1, AT_THEN(AFTER, FIN, TLS_REFUSED),
     EXPECT(NETWORK | TLS, UNKNOWN, 1)},
    {"all of the request, then silent", REUSED, AT_THEN(AFTER, FIN, SILENT), EXPECT(NETWORK | TIMEOUT, UNKNOWN, 1)},
    {"GET, all of the request, FIN", ALL, AT(AFTER, FIN), EXPECT(NETWORK, UNKNOWN, 1), .method = "GET"},
    {"GET, all of the request, RST", ALL, AT(AFTER, RST), EXPECT(NETWORK, UNKNOWN, 1), .method = "GET"},

    {"HTTP/2: GOAWAY instead, FIN", HTTP2, AT(GOAWAY, FIN), EXPECT(LOST, UNKNOWN | NOT_SENT, 0)},
    {"HTTP/2: GOAWAY instead, open", HTTP2, AT(GOAWAY, KEEP), EXPECT(LOST, UNKNOWN | NOT_SENT, 0)},
    {"HTTP/2: REFUSED_STREAM", HTTP2, AT(REFUSED, KEEP), EXPECT(LOST, UNKNOWN | NOT_SENT, 0)},
    {"HTTP/2: INTERNAL_ERROR", HTTP2, AT(RESET, KEEP), EXPECT(LOST, UNKNOWN, 1)},
    {"HTTP/2: 100 and FIN", HTTP2, AT(INTERIM, FIN), EXPECT(LOST, UNKNOWN, 1)},
    {"HTTP/2: 100 and time-out", HTTP2, AT(INTERIM, SILENT), EXPECT(TIMEOUT, UNKNOWN, 1)},
    {"HTTP/2: an answer without a body", HTTP2, AT(EMPTY, KEEP), EXPECT(OK, ANSWERED, 1)},

    {"100, 103, then the answer", HTTP1, SAYS(KEEP, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
     "Link: </x>\r\n\r\n" DONE), EXPECT(OK, ANSWERED, 1), .status = 201},
    {"100 and FIN", HTTP1, SAYS(FIN, "HTTP/1.1 100 Continue\r\n\r\n"), EXPECT(LOST, UNKNOWN, 1)},
    {"100 and RST", HTTP1, SAYS(RST, "HTTP/1.1 100 Continue\r\n\r\n"), EXPECT(LOST, UNKNOWN, 1)},
    {"100 and time-out", HTTP1, SAYS(SILENT, "HTTP/1.1 100 Continue\r\n\r\n"), EXPECT(TIMEOUT, UNKNOWN, 1)},
    {"100, half a header, FIN", HTTP1, SAYS(FIN, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n"),
     EXPECT(LOST, UNKNOWN, 1)},
    {"101 that nobody asked for, FIN", HTTP1, SAYS(FIN, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
     EXPECT(LOST, UNKNOWN, 1)},
    {"204", HTTP1, SAYS(KEEP, "HTTP/1.1 204 No Content\r\n\r\n"), EXPECT(OK, ANSWERED, 1), .status = 204},
    {"body that ends with the connection", PLAIN, SAYS(FIN, "HTTP/1.1 200 OK\r\n\r\n{}"), EXPECT(OK, ANSWERED, 1)},
    {"the same, close_notify", T0 | T1, SAYS(NOTIFY, "HTTP/1.1 200 OK\r\n\r\n{}"), EXPECT(OK, ANSWERED, 1)},
    /* Only close_notify would tell this from the end, and libcurl 7.88 does not ask for it. */
    {"the same, cut", T0 | T1, SAYS(FIN, "HTTP/1.1 200 OK\r\n\r\n{}"), EXPECT(OK | LOST, ANSWERED, 1)},
    {"the same, RST", HTTP1, SAYS(RST, "HTTP/1.1 200 OK\r\n\r\n{}"), EXPECT(LOST, ANSWERED, 1)},
    {"no HTTP at all", HTTP1, SAYS(FIN, "SSH-2.0-OpenSSH_9.2p1\r\n"), EXPECT(PROTOCOL, UNKNOWN, 1)},
    {"HTTP/0.9", HTTP1, SAYS(FIN, "<html>hello</html>"), EXPECT(PROTOCOL, UNKNOWN, 1)},
    {"a status of letters", HTTP1, SAYS(FIN, "HTTP/1.1 abc OK\r\n\r\n"), EXPECT(PROTOCOL, UNKNOWN, 1)},
    {"a header line without a colon", HTTP1, SAYS(FIN, "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n"),
     EXPECT(OK | PROTOCOL, ANSWERED | UNKNOWN, 1)},
    {"a length of letters", HTTP1, SAYS(FIN, "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n"),
     EXPECT(PROTOCOL, ANSWERED | UNKNOWN, 1)},
    /* A vendor that says no before it has read everything: its word counts. */
    {"answered in mid-request, FIN", HTTP1, EARLY(FIN, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"),
     EXPECT(OK | NETWORK, ANSWERED, 0), .status = 413},
    {"answered in mid-request, FIN", HTTP2, EARLY(FIN, "413"), EXPECT(OK | LOST, ANSWERED, 0), .status = 413},

    {"proxy: good", SECURE, PROXY(NONE, FIN), EXPECT(OK, ANSWERED, 1)},
    {"proxy: CONNECT gets 403", T0 | H0, PROXY_SAYS(FIN, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"),
     EXPECT(LOST, NOT_SENT, 0)},
    {"proxy: CONNECT gets 407", T0 | H0,
     PROXY_SAYS(FIN, "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"),
     EXPECT(LOST, NOT_SENT, 0)},
    {"proxy: CONNECT gets FIN", T0 | H0, PROXY_SAYS(FIN, ""), EXPECT(LOST, NOT_SENT, 0)},
    {"proxy: CONNECT gets RST", T0 | H0, PROXY_SAYS(RST, ""), EXPECT(LOST, NOT_SENT, 0)},
    {"proxy: CONNECT gets half a status line", T0 | H0, PROXY_SAYS(FIN, "HTTP/1.1 20"),
     EXPECT(LOST | TLS, NOT_SENT, 0)},
    {"proxy: CONNECT gets half a header", T0 | H0, PROXY_SAYS(FIN, "HTTP/1.1 200 Yes\r\nVia: x\r\n"),
     EXPECT(LOST | TLS, NOT_SENT, 0)},
    {"proxy: CONNECT, time-out", T0 | H0, PROXY_SAYS(SILENT, ""), EXPECT(TIMEOUT, NOT_SENT, 0)},
    {"proxy: TLS refused behind it", T0 | H0, PROXY(TLS, FIN), EXPECT(TLS | NETWORK, NOT_SENT, 0)},
    {"proxy: all of the request, FIN", SECURE, PROXY(AFTER, FIN), EXPECT(NETWORK, UNKNOWN, 1)},
    {"proxy: between the headers, close_notify", SECURE, PROXY(HEADERS, NOTIFY), EXPECT(LOST, UNKNOWN, 1)},
    {"proxy: all of the request, time-out", SECURE, PROXY(AFTER, SILENT), EXPECT(TIMEOUT, UNKNOWN, 1)},
};

const size_t cell_row_count = sizeof cell_rows / sizeof *cell_rows;
