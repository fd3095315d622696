/* A growing buffer that is wiped before its memory goes back: it may have held a credential. */
#ifndef LP_BYTES_H
#define LP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct {
  char *data; /* NULL while size is 0 */
  size_t len, size;
} lp_bytes;

/* Makes room for `more` bytes behind `len`. False when there is no memory; the buffer is then as it was. */
bool lp_bytes_reserve(lp_bytes *bytes, size_t more);

/* Adds a copy of `len` bytes. False when there is no memory. */
static inline bool lp_bytes_add(lp_bytes *bytes, const void *data, size_t len) {
  if (len > bytes->size - bytes->len && !lp_bytes_reserve(bytes, len)) return false;
  if (len) memcpy(bytes->data + bytes->len, data, len);
  bytes->len += len;
  return true;
}

/* Wipes and empties the buffer; memory above `keep` bytes is given back. */
void lp_bytes_clear(lp_bytes *bytes, size_t keep);

#endif
