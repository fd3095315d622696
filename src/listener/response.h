/* Answers as libmicrohttpd takes them. */
#ifndef LP_LISTENER_RESPONSE_H
#define LP_LISTENER_RESPONSE_H

#include <microhttpd.h>

#include "listener/listener.h"

/* To be destroyed; NULL and a reason in `*wrong` for one that may not be sent, or that there is no memory for. */
struct MHD_Response *lp_response_new(unsigned status, const lp_header *headers, size_t header_count, const void *body,
                                     size_t body_len, const char **wrong);

#endif
