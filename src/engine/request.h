/* What may be sent: the checks that keep one request one request. Private to the engine. */
#ifndef LP_REQUEST_H
#define LP_REQUEST_H

#include "engine/engine.h"

/* What is wrong with the method, a header or connect_timeout_ms of a request (a constant; it never quotes the request);
 * NULL when nothing is. */
const char *lp_head_fault(const lp_request *request);

/* The same of all of it, but of what head_is_right says that it has been looked at. */
const char *lp_request_fault(const lp_request *request);

/* Whether a header has this name, in any case. */
bool lp_header_is(const lp_header *header, const char *name, size_t len);

/* The length of `scheme://host:port` at the beginning of a URL that has passed the check. */
size_t lp_origin_len(const char *url, size_t len);

#endif
