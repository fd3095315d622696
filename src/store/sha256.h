/* SHA-256 (FIPS 180-4) and HMAC (RFC 2104) with it. Nothing here knows Lua. */
#ifndef LP_STORE_SHA256_H
#define LP_STORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { LP_SHA256 = 32, LP_SHA256_BLOCK = 64 };

typedef struct {
  uint32_t state[8];
  uint64_t bytes;
  unsigned char block[LP_SHA256_BLOCK];
} lp_sha256;

void lp_sha256_begin(lp_sha256 *hash);
void lp_sha256_add(lp_sha256 *hash, const void *data, size_t len);
void lp_sha256_end(lp_sha256 *hash, unsigned char out[LP_SHA256]); /* and wipes it */

/* What a key makes of the two hashes before any text is added. */
typedef struct {
  lp_sha256 inner, outer;
} lp_hmac;

void lp_hmac_begin(lp_hmac *hmac, const void *key, size_t len);
void lp_hmac_of(const lp_hmac *hmac, const void *data, size_t len, unsigned char out[LP_SHA256]);

#endif
