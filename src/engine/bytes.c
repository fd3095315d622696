#include "engine/bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool lp_bytes_reserve(lp_bytes *bytes, size_t more) {
  if (more <= bytes->size - bytes->len) return true;
  if (more > SIZE_MAX / 2 - bytes->len) return false;
  size_t size = bytes->size ? bytes->size : 512;
  while (size < bytes->len + more) size *= 2;
  /* Not realloc: it would leave an unwiped copy behind. */
  char *data = malloc(size);
  if (!data) return false;
  if (bytes->data) {
    memcpy(data, bytes->data, bytes->len);
    explicit_bzero(bytes->data, bytes->len);
    free(bytes->data);
  }
  bytes->data = data;
  bytes->size = size;
  return true;
}

void lp_bytes_clear(lp_bytes *bytes, size_t keep) {
  if (bytes->data) explicit_bzero(bytes->data, bytes->len);
  bytes->len = 0;
  if (bytes->size > keep) {
    free(bytes->data);
    bytes->data = NULL;
    bytes->size = 0;
  }
}
