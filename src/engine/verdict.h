/* What became of a transfer, from its evidence, and in words. Private to the engine. */
#ifndef LP_VERDICT_H
#define LP_VERDICT_H

#include "engine/transfer.h"

/* Only evidence counts here: a CURLE_* code never decides an outcome. */
lp_outcome lp_verdict_outcome(const lp_transfer *transfer);

lp_failure lp_verdict_failure(const lp_transfer *transfer, CURLcode code);

/* Writes what went wrong; "" when nothing did. Of the request it names hosts and files at most, never a key's file. */
void lp_verdict_message(const lp_transfer *transfer, lp_failure failure, CURLcode code, char *message, size_t size);

#endif
