/* What may be sent: the checks that keep one request one request. Private to the engine. */
#ifndef LP_REQUEST_H
#define LP_REQUEST_H

#include "engine/engine.h"

/* NULL when the request may be sent, else what is wrong with it (a constant; it never quotes the request). What
 * head_is_right says that it has been looked at is not looked at again. */
const char *lp_request_fault(const lp_request *request);

/* Whether a header has this name, in any case. */
bool lp_header_is(const lp_header *header, const char *name, size_t len);

/* The length of `scheme://host:port` at the beginning of a URL that has passed the check. */
size_t lp_origin_len(const char *url, size_t len);

#endif
