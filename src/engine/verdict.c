#include "engine/verdict.h"

#include <stdio.h>
#include <string.h>

#include "engine/request.h"

static bool is_secure(const lp_transfer *transfer) { return strncasecmp(transfer->request.data, "https:", 6) == 0; }

lp_outcome lp_verdict_outcome(const lp_transfer *transfer) {
  if (transfer->answer_headed) return LP_ANSWERED;
  if (transfer->sendings == 0 || transfer->stale) return LP_NOT_SENT;
  /* Over TLS it may be HTTP/2, where libcurl can have flushed frames of a request that it counts as unsent. */
  if (!is_secure(transfer) && !transfer->answer_began) {
    long size = -1;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &size);
    if (size == transfer->size_before) return LP_NOT_SENT;
  }
  return LP_UNKNOWN;
}

/* With TLS 1.3 a server refuses a client's certificate, or its absence, only when the client has begun to send. */
static bool is_alert(const char *says) { return strstr(says, "SSL routines::") && strstr(says, " alert "); }

lp_failure lp_verdict_failure(const lp_transfer *transfer, CURLcode code) {
  if (transfer->stopped != LP_OK) return transfer->stopped;
  if (code == CURLE_OK) return transfer->answer_headed ? LP_OK : LP_PROTOCOL;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return LP_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT: return LP_TLS;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_PARTIAL_FILE: return LP_PROTOCOL;
    default: break;
  }
  if (transfer->answer_began) return LP_PROTOCOL; /* lost in the middle of an answer: there is only part of one */
  return is_alert(transfer->curl_says) ? LP_TLS : LP_NETWORK;
}

/* ---- in words ---- */

static void name_origin(const lp_transfer *transfer, char *name, size_t size) {
  const char *url = transfer->request.data, *host = strstr(url, "://") + 3;
  snprintf(name, size, "%.*s", (int)(lp_origin_len(url, strlen(url)) - (size_t)(host - url)), host);
}

/* libcurl's own words name the key's file. */
static void say_certificate(const lp_transfer *transfer, char *message, size_t size) {
  const char *file = transfer->route->certificate, *says = transfer->curl_says;
  if (strstr(says, "private key"))
    snprintf(message, size,
             "the private key of the client certificate %s cannot be used: no such file, no key in it, another password, "
             "or another certificate's", file);
  else snprintf(message, size, "the client certificate %s cannot be read: no such file, or no certificate in it", file);
}

/* libcurl asks for the addresses of what has ended meanwhile, and hides behind that failure what comes of it. */
static bool is_beside_the_point(const char *says) { return strncmp(says, "getpeername() failed", 20) == 0; }

static bool is_loss(CURLcode code) {
  return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
}

static const char *words_of(const lp_transfer *transfer, lp_failure failure, CURLcode code) {
  if (transfer->no_memory) return "out of memory";
  if (failure == LP_TOO_LARGE) return "the answer is larger than the limit";
  if (transfer->stopped != LP_OK) return "the answer's headers are not HTTP";
  if (code == CURLE_OK) return "the answer ended before its headers did";
  if (transfer->sendings > 1) return "the connection was lost before an answer began";
  if (is_beside_the_point(transfer->curl_says)) {
    if (is_loss(code) && !transfer->answer_began) return "the connection ended before an answer";
    return curl_easy_strerror(code);
  }
  return transfer->curl_says[0] ? transfer->curl_says : curl_easy_strerror(code);
}

/* Whose words an error is: of a tunnel that never was, the proxy's. */
static bool is_proxys(const lp_transfer *transfer) {
  if (!transfer->route->has_proxy || transfer->sendings > 0) return false;
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return status < 200 || status >= 300;
}

static void say_proxy(const lp_transfer *transfer, lp_failure failure, CURLcode code, char *message, size_t size) {
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
  const char *proxy = transfer->route->proxy.name;
  /* 401 is what tinyproxy says of wrong ones. */
  if (!proxy)
    snprintf(message, size,
             "the proxy's URL cannot be read: it must be http://[user:password@]host:port (with %%40 for an @ in the "
             "password, and so on)");
  else if (status == 407 || status == 401)
    snprintf(message, size, "the proxy %s wants %scredentials: it answered %ld to CONNECT", proxy,
             transfer->route->proxy.user ? "other " : "", status);
  else if (status)
    snprintf(message, size, "the proxy %s made no way to the host: it answered %ld to CONNECT", proxy, status);
  else snprintf(message, size, "the proxy %s: %s", proxy, words_of(transfer, failure, code));
}

void lp_verdict_message(const lp_transfer *transfer, lp_failure failure, CURLcode code, char *message, size_t size) {
  message[0] = '\0';
  if (failure == LP_OK) return;
  char origin[128];
  name_origin(transfer, origin, sizeof origin);
  if (code == CURLE_SSL_CACERT_BADFILE && transfer->route->ca_file)
    snprintf(message, size, "the CA file %s cannot be read: no such file, or no certificate in it",
             transfer->route->ca_file);
  else if (code == CURLE_SSL_CERTPROBLEM && transfer->route->certificate) say_certificate(transfer, message, size);
  else if (is_proxys(transfer)) say_proxy(transfer, failure, code, message, size);
  else if (failure == LP_TLS) snprintf(message, size, "%s: %s", origin, words_of(transfer, failure, code));
  else if (transfer->route->has_proxy)
    snprintf(message, size, "through the proxy %s: %s", transfer->route->proxy.name,
             words_of(transfer, failure, code));
  else snprintf(message, size, "%s", words_of(transfer, failure, code));
}
