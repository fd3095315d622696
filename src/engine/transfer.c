#include "engine/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/request.h"
#include "engine/verdict.h"

enum {
  KEEP = 64 * 1024,  /* bytes of a buffer that stay with a pooled transfer */
  UNEXPECTED = 1024, /* bytes of a body; before a larger one libcurl would ask and wait a second (Expect: 100-continue) */
};

/* ---- what libcurl tells while it works: C buffers and the evidence, nothing else ---- */

/* Called once before each sending. libcurl sends again by itself when a reused connection dies before the first byte of
 * the answer, a POST too, and does not say so; nothing but refusing here stops it. */
static int before_sending(void *arg, char *ip, char *local_ip, int port, int local_port) {
  (void)ip, (void)local_ip, (void)port;
  lp_transfer *transfer = arg;
  if (++transfer->sendings > 1) return CURL_PREREQFUNC_ABORT;
  curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &transfer->size_before);
  long connects = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
  transfer->response.reused = connects == 0;
  if (connects == 0 && lp_sockets_ended(transfer->sockets, local_port)) {
    transfer->stale = true;
    return CURL_PREREQFUNC_ABORT;
  }
  return CURL_PREREQFUNC_OK;
}

static size_t stop(lp_transfer *transfer, lp_failure why) {
  transfer->stopped = why;
  return 0; /* CURLE_WRITE_ERROR */
}

static bool add_header(lp_transfer *transfer, const char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  if (!colon || colon == line) return true; /* not a header: nothing to keep */
  size_t name = (size_t)(colon - line);
  const char *value = colon + 1, *end = line + len;
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t')) end--;
  size_t at = transfer->head.len;
  if (!lp_bytes_add(&transfer->head, line, name) || !lp_bytes_add(&transfer->head, "", 1) ||
      !lp_bytes_add(&transfer->head, value, (size_t)(end - value)) || !lp_bytes_add(&transfer->head, "", 1))
    return false;
  for (char *c = transfer->head.data + at; *c; c++)
    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
  transfer->response.header_count++;
  return true;
}

/* RFC 9112, 4: the three digits of a status line; 0 for any other line. */
static int status_in(const char *line, size_t len) {
  if (len < 5 || memcmp(line, "HTTP/", 5) != 0) return 0;
  const char *at = memchr(line, ' ', len), *end = line + len;
  while (at && at < end && *at == ' ') at++;
  if (!at || end - at < 3 || (end - at > 3 && at[3] != ' ')) return 0;
  int status = 0;
  for (int i = 0; i < 3; i++) {
    if (at[i] < '0' || at[i] > '9') return 0;
    status = 10 * status + at[i] - '0';
  }
  return status >= 100 ? status : 0;
}

/* Gets each line of the headers, of interim (1xx) answers and of trailers too. */
static size_t on_header(char *line, size_t size, size_t count, void *arg) {
  lp_transfer *transfer = arg;
  size_t whole = size * count, len = whole;
  if ((transfer->head_seen += whole) > LP_HEADER_LIMIT) return stop(transfer, LP_TOO_LARGE);
  while (len && (line[len - 1] == '\n' || line[len - 1] == '\r')) len--;
  if (transfer->answer_headed) return whole; /* a trailer */
  int status = status_in(line, len);
  if (status) {
    transfer->answer_began = true;
    transfer->response.status = status;
    transfer->response.header_count = 0;
    transfer->head.len = 0;
  } else if (len == 0) {
    transfer->answer_headed = transfer->response.status >= 200;
  } else if (memchr(line, 0, len)) {
    return stop(transfer, LP_PROTOCOL);
  } else if (transfer->response.header_count == LP_HEADER_COUNT) {
    return stop(transfer, LP_TOO_LARGE);
  } else if (!add_header(transfer, line, len)) {
    transfer->no_memory = true;
    return stop(transfer, LP_NETWORK);
  }
  return whole;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
  lp_transfer *transfer = arg;
  size_t len = size * count;
  if (len > transfer->response_limit - transfer->body.len) return stop(transfer, LP_TOO_LARGE);
  if (!lp_bytes_add(&transfer->body, data, len)) {
    transfer->no_memory = true;
    return stop(transfer, LP_NETWORK);
  }
  return len;
}

/* ---- a transfer's life ---- */

lp_transfer *lp_transfer_new(lp_sockets *sockets) {
  lp_transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer) return NULL;
  CURL *easy = transfer->easy = curl_easy_init();
  if (!easy) {
    free(transfer);
    return NULL;
  }
  transfer->sockets = sockets;
  lp_sockets_watch(sockets, easy);
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* else libcurl joins its resolver threads */
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC); /* with ANY every POST dies */
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_says);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  return transfer;
}

void lp_transfer_free(lp_transfer *transfer) {
  if (!transfer) return;
  curl_easy_cleanup(transfer->easy);
  curl_url_cleanup(transfer->url);
  lp_route_leave(transfer->route);
  lp_bytes_clear(&transfer->url_text, 0);
  lp_bytes_clear(&transfer->request, 0);
  lp_bytes_clear(&transfer->head, 0);
  lp_bytes_clear(&transfer->body, 0);
  free(transfer->headers);
  free(transfer);
}

void lp_transfer_leave_route(lp_transfer *transfer) {
  if (!transfer->route) return;
  lp_route_unset(transfer->easy);
  lp_route_leave(transfer->route);
  transfer->route = NULL;
}

/* Takes over the hold. */
static bool take_route(lp_transfer *transfer, lp_route *route) {
  if (transfer->route == route) {
    lp_route_leave(route); /* it is held already */
    return true;
  }
  lp_transfer_leave_route(transfer);
  transfer->route = route;
  if (lp_route_set(route, transfer->easy)) return true;
  lp_transfer_leave_route(transfer);
  return false;
}

void lp_transfer_clear(lp_transfer *transfer) {
  if (!transfer->url) curl_easy_setopt(transfer->easy, CURLOPT_URL, NULL); /* it may have had a credential in it */
  if (transfer->route && !lp_route_is_plain(transfer->route)) lp_transfer_leave_route(transfer);
  lp_bytes_clear(&transfer->request, KEEP);
  lp_bytes_clear(&transfer->head, KEEP);
  lp_bytes_clear(&transfer->body, KEEP);
  transfer->sendings = 0;
  transfer->size_before = 0;
  transfer->stale = transfer->answer_began = transfer->answer_headed = transfer->no_memory = transfer->told = false;
  transfer->stopped = LP_OK;
  transfer->head_seen = 0;
  transfer->curl_says[0] = '\0';
  transfer->response = (lp_response){0};
}

static bool has_content_type(const lp_request *request) {
  for (size_t i = 0; i < request->header_count; i++)
    if (lp_header_is(&request->headers[i], "Content-Type", 12)) return true;
  return false;
}

/* Copies `len` bytes and a NUL into memory that is there already. */
static char *copy(lp_bytes *bytes, const char *data, size_t len) {
  char *start = bytes->data + bytes->len;
  lp_bytes_add(bytes, data, len);
  lp_bytes_add(bytes, "", 1);
  return start;
}

/* libcurl's form of a header: "Name: value", "Name;" for an empty value, "Name:" to leave out one of its own. */
static char *copy_header(lp_bytes *bytes, const lp_header *header) {
  char *start = bytes->data + bytes->len;
  size_t blank = strspn(header->value, " \t"); /* libcurl leaves out a header whose value is only that */
  lp_bytes_add(bytes, header->name, header->name_len);
  if (header->value_len > blank) {
    lp_bytes_add(bytes, ": ", 2);
    copy(bytes, header->value + blank, header->value_len - blank);
  } else {
    copy(bytes, ";", 1);
  }
  return start;
}

static bool make_room(lp_transfer *transfer, const lp_request *request) {
  size_t total = request->url_len + request->method_len + request->body_len + 64;
  for (size_t i = 0; i < request->header_count; i++)
    total += request->headers[i].name_len + request->headers[i].value_len + 3;
  if (!lp_bytes_reserve(&transfer->request, total)) return false;
  size_t nodes = request->header_count + 2; /* and Expect, Content-Type */
  if (nodes > transfer->header_room) {
    struct curl_slist *more = realloc(transfer->headers, nodes * sizeof *more);
    if (!more) return false;
    transfer->headers = more;
    transfer->header_room = nodes;
  }
  return true;
}

/* The nodes are ours, made in one piece: libcurl only reads the list. */
static void load_headers(lp_transfer *transfer, const lp_request *request) {
  size_t n = 0;
  if (request->body_len > UNEXPECTED) transfer->headers[n++].data = copy(&transfer->request, "Expect:", 7);
  for (size_t i = 0; i < request->header_count; i++)
    transfer->headers[n++].data = copy_header(&transfer->request, &request->headers[i]);
  if (request->body && !has_content_type(request))
    transfer->headers[n++].data = copy(&transfer->request, "Content-Type:", 13);
  for (size_t i = 0; i < n; i++) transfer->headers[i].next = i + 1 < n ? &transfer->headers[i + 1] : NULL;
  curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, n ? transfer->headers : NULL);
}

static void load_body(lp_transfer *transfer, const lp_request *request, const char *method) {
  CURL *easy = transfer->easy;
  if (request->body) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L); /* also undoes NOBODY of the transfer before */
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, copy(&transfer->request, request->body, request->body_len));
  } else {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L); /* POSTFIELDS has made it a POST */
    if (strcmp(method, "HEAD") == 0) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void forget_url(lp_transfer *transfer) {
  if (!transfer->url) return;
  curl_easy_setopt(transfer->easy, CURLOPT_CURLU, NULL);
  curl_easy_setopt(transfer->easy, CURLOPT_URL, NULL); /* what libcurl has made of it */
  curl_url_cleanup(transfer->url);
  transfer->url = NULL;
  lp_bytes_clear(&transfer->url_text, 0);
}

static bool keep_url(lp_transfer *transfer, const lp_request *request) {
  if (!request->keep_url || memchr(request->url, '?', request->url_len)) return false;
  transfer->url = curl_url();
  return transfer->url && lp_bytes_add(&transfer->url_text, request->url, request->url_len) &&
         curl_url_set(transfer->url, CURLUPART_URL, request->url, CURLU_PATH_AS_IS) == CURLUE_OK &&
         curl_easy_setopt(transfer->easy, CURLOPT_CURLU, transfer->url) == CURLE_OK;
}

/* A URL that comes again is not parsed again: that is a tenth of what a call costs. */
static void load_url(lp_transfer *transfer, const lp_request *request, const char *url) {
  const lp_bytes *kept = &transfer->url_text;
  if (transfer->url && kept->len == request->url_len && memcmp(kept->data, url, kept->len) == 0) return;
  forget_url(transfer);
  if (keep_url(transfer, request)) return;
  forget_url(transfer);
  curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
}

bool lp_transfer_load(lp_transfer *transfer, const lp_request *request, lp_route *route) {
  if (!take_route(transfer, route) || !make_room(transfer, request)) return false;
  const char *url = copy(&transfer->request, request->url, request->url_len);
  const char *method = copy(&transfer->request, request->method, request->method_len);
  load_headers(transfer, request);
  load_body(transfer, request, method);
  load_url(transfer, request, url);
  curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 0L);
  /* Without TLS there is no HTTP/2 to wait for, and libcurl would hold every call back until the first is answered. */
  curl_easy_setopt(transfer->easy, CURLOPT_PIPEWAIT, strncasecmp(url, "https:", 6) == 0 ? 1L : 0L);
  transfer->response_limit = request->response_limit ? request->response_limit : LP_RESPONSE_LIMIT;
  transfer->connect_timeout_ms = request->connect_timeout_ms;
  transfer->submitted = lp_now();
  transfer->deadline = transfer->submitted + (double)request->timeout_ms / 1000.0;
  return true;
}

void lp_transfer_arm(lp_transfer *transfer, double now) {
  /* Rounded up: whoever is told that the time is over finds none of it left for another sending. */
  long left = (long)((transfer->deadline - now) * 1000.0) + 1;
  if (left < 1) left = 1;
  curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, left);
  curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS,
                   transfer->connect_timeout_ms < left ? transfer->connect_timeout_ms : left);
}

/* ---- what it all means ---- */

static void fill(lp_transfer *transfer, lp_failure failure) {
  lp_response *response = &transfer->response;
  response->failure = failure;
  response->outcome = lp_verdict_outcome(transfer);
  response->proxy = transfer->route->has_proxy ? transfer->route->proxy.name : NULL;
  if (!transfer->answer_headed) {
    response->status = 0;
    response->header_count = 0;
    transfer->head.len = 0;
  }
  response->headers = transfer->head.data;
  response->headers_len = transfer->head.len;
  response->body = transfer->body.len ? transfer->body.data : "";
  response->body_len = transfer->body.len;
  response->seconds = lp_now() - transfer->submitted;
  long version = 0;
  if (transfer->answer_began) curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
  response->http = version == CURL_HTTP_VERSION_2_0   ? 20
                   : version == CURL_HTTP_VERSION_1_1 ? 11
                   : version == CURL_HTTP_VERSION_1_0 ? 10
                                                      : 0;
}

bool lp_transfer_begin_again(lp_transfer *transfer, CURLcode code) {
  if (!transfer->stale || transfer->sendings != 1 || code != CURLE_ABORTED_BY_CALLBACK) return false;
  transfer->stale = false;
  transfer->sendings = 0;
  transfer->curl_says[0] = '\0';
  curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
  return true;
}

void lp_transfer_end(lp_transfer *transfer, CURLcode code) {
  lp_failure failure = lp_verdict_failure(transfer, code);
  fill(transfer, failure);
  lp_verdict_message(transfer, failure, code, transfer->response.message, sizeof transfer->response.message);
}

void lp_transfer_stop(lp_transfer *transfer, lp_failure failure, const char *message) {
  fill(transfer, failure);
  snprintf(transfer->response.message, sizeof transfer->response.message, "%s", message);
}
