#include "listener/response.h"

#include <string.h>
#include <strings.h>

static ssize_t no_body(void *context, uint64_t at, char *data, size_t room) {
  (void)context;
  (void)at;
  (void)data;
  (void)room;
  return MHD_CONTENT_READER_END_OF_STREAM;
}

/* libmicrohttpd gives a 304 the Content-Length of its buffer, which would be a word about the 200 it stands for; only
 * a body of unknown length has none. */
static struct MHD_Response *new_response(unsigned status, const void *body, size_t len) {
  if (status != MHD_HTTP_NOT_MODIFIED)
    return MHD_create_response_from_buffer(len, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 512, no_body, NULL, NULL);
  if (response) MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
  return response;
}

static bool is_name(const lp_header *header) {
  for (size_t i = 0; i < header->name_len; i++)
    if (header->name[i] <= ' ' || header->name[i] > '~' || header->name[i] == ':') return false;
  return header->name_len > 0;
}

static const char *add_header(struct MHD_Response *response, const lp_header *header) {
  if (!is_name(header)) return "a header's name is not a token";
  if (memchr(header->value, '\0', header->value_len)) return "a header's value has a NUL";
  if (strcasecmp(header->name, "Content-Length") == 0 || strcasecmp(header->name, "Transfer-Encoding") == 0)
    return "Content-Length and Transfer-Encoding are the listener's own";
  if (strcasecmp(header->name, "Connection") == 0 && strcasecmp(header->value, "keep-alive") == 0) return NULL; /* it is */
  /* libmicrohttpd takes no header without a value. */
  if (header->value_len > 0 && MHD_add_response_header(response, header->name, header->value) != MHD_YES)
    return "a header's value has a line break, or there is no memory for it";
  return NULL;
}

/* Connection comes first: when it is added, libmicrohttpd 0.9.75 forgets that it was given a Date. */
static const char *add_headers(struct MHD_Response *response, const lp_header *headers, size_t count) {
  const char *wrong = NULL;
  for (int others = 0; others < 2; others++)
    for (size_t i = 0; i < count && !wrong; i++)
      if ((strcasecmp(headers[i].name, "Connection") != 0) == others) wrong = add_header(response, &headers[i]);
  return wrong;
}

struct MHD_Response *lp_response_new(unsigned status, const lp_header *headers, size_t header_count, const void *body,
                                     size_t body_len, const char **wrong) {
  struct MHD_Response *response = new_response(status, body, body_len);
  *wrong = response ? add_headers(response, headers, header_count) : "out of memory";
  if (!*wrong) return response;
  if (response) MHD_destroy_response(response);
  return NULL;
}
