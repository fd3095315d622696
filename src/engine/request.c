#include "engine/request.h"

#include <string.h>
#include <strings.h>

/* RFC 9110, 5.6.2 */
static bool is_token(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || (c >= '0' && c <= '9');
    if (!letter && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c))) return false;
  }
  return len > 0;
}

static bool has_control(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return true;
  }
  return false;
}

static size_t scheme_len(const char *url, size_t len) {
  if (len > 7 && strncasecmp(url, "http://", 7) == 0) return 7;
  if (len > 8 && strncasecmp(url, "https://", 8) == 0) return 8;
  return 0;
}

static const char *url_fault(const char *url, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (url[i] <= ' ' || url[i] > '~') return "the URL has a control character, a space, or a byte that is not ASCII";
  if (!scheme_len(url, len)) return "the URL is not http or https";
  size_t origin = lp_origin_len(url, len);
  if (origin == scheme_len(url, len)) return "the URL has no host";
  if (memchr(url, '@', origin)) return "the URL has a user name: credentials belong into headers";
  return NULL;
}

size_t lp_origin_len(const char *url, size_t len) {
  size_t i = scheme_len(url, len);
  while (i < len && url[i] != '/' && url[i] != '?' && url[i] != '#') i++;
  return i;
}

bool lp_header_is(const lp_header *header, const char *name, size_t len) {
  return header->name_len == len && strncasecmp(header->name, name, len) == 0;
}

static const char *const no_time = "a time-out is not above zero";

const char *lp_head_fault(const lp_request *request) {
  for (size_t i = 0; i < request->method_len; i++)
    if (request->method[i] < 'A' || request->method[i] > 'Z') return "the method is not in capital letters";
  if (request->method_len == 0 || request->method_len > 32) return "the method is not a word";
  for (size_t i = 0; i < request->header_count; i++) {
    const lp_header *header = &request->headers[i];
    if (!is_token(header->name, header->name_len)) return "a header's name is not a token";
    if (has_control(header->value, header->value_len)) return "a header's value has a control character";
    /* Another length than the body's own would make two requests of one. */
    if (lp_header_is(header, "Content-Length", 14) || lp_header_is(header, "Transfer-Encoding", 17))
      return "Content-Length and Transfer-Encoding are the engine's own";
  }
  return request->connect_timeout_ms < 1 ? no_time : NULL;
}

const char *lp_request_fault(const lp_request *request) {
  const char *fault = url_fault(request->url, request->url_len);
  if (!fault && !request->head_is_right) fault = lp_head_fault(request);
  return fault || request->timeout_ms > 0 ? fault : no_time;
}
