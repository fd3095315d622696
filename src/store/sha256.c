#include "store/sha256.h"

#include <string.h>

/* FIPS 180-4, 4.2.2: the first bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* The word of round i, of the last sixteen. */
static inline uint32_t word(uint32_t w[16], int i) {
  if (i >= 16) {
    uint32_t before = w[(i - 15) & 15], late = w[(i - 2) & 15];
    w[i & 15] += (turn(before, 7) ^ turn(before, 18) ^ before >> 3) + w[(i - 7) & 15]
                 + (turn(late, 17) ^ turn(late, 19) ^ late >> 10);
  }
  return w[i & 15];
}

/* One round; what it leaves in *d and *h is the next one's e and a: the others only change their names. */
static inline void take_round(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f, uint32_t g,
                              uint32_t *h, uint32_t sum) {
  uint32_t first = *h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + sum;
  *d += first;
  *h = first + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
}

static void take_block(uint32_t state[8], const unsigned char *block) {
  uint32_t w[16];
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 16; i++, block += 4)
    w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
  for (int i = 0; i < 64; i += 8) {
    take_round(a, b, c, &d, e, f, g, &h, K[i] + word(w, i));
    take_round(h, a, b, &c, d, e, f, &g, K[i + 1] + word(w, i + 1));
    take_round(g, h, a, &b, c, d, e, &f, K[i + 2] + word(w, i + 2));
    take_round(f, g, h, &a, b, c, d, &e, K[i + 3] + word(w, i + 3));
    take_round(e, f, g, &h, a, b, c, &d, K[i + 4] + word(w, i + 4));
    take_round(d, e, f, &g, h, a, b, &c, K[i + 5] + word(w, i + 5));
    take_round(c, d, e, &f, g, h, a, &b, K[i + 6] + word(w, i + 6));
    take_round(b, c, d, &e, f, g, h, &a, K[i + 7] + word(w, i + 7));
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
  explicit_bzero(w, sizeof w);
}

void lp_sha256_begin(lp_sha256 *hash) {
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, start, sizeof start);
  hash->bytes = 0;
}

void lp_sha256_add(lp_sha256 *hash, const void *data, size_t len) {
  const unsigned char *at = data;
  size_t used = hash->bytes % LP_SHA256_BLOCK;
  hash->bytes += len;
  while (len) {
    size_t part = LP_SHA256_BLOCK - used < len ? LP_SHA256_BLOCK - used : len;
    memcpy(hash->block + used, at, part);
    at += part;
    len -= part;
    used += part;
    if (used < LP_SHA256_BLOCK) return;
    take_block(hash->state, hash->block);
    used = 0;
  }
}

void lp_sha256_end(lp_sha256 *hash, unsigned char out[LP_SHA256]) {
  unsigned char tail[LP_SHA256_BLOCK + 8] = {0x80};
  uint64_t bits = hash->bytes * 8;
  size_t used = hash->bytes % LP_SHA256_BLOCK, pad = (used < 56 ? 56 : 120) - used;
  for (int i = 0; i < 8; i++) tail[pad + (size_t)i] = (unsigned char)(bits >> (56 - 8 * i));
  lp_sha256_add(hash, tail, pad + 8);
  for (int i = 0; i < LP_SHA256; i++) out[i] = (unsigned char)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
  explicit_bzero(hash, sizeof *hash);
}

void lp_hmac_begin(lp_hmac *hmac, const void *key, size_t len) {
  unsigned char pad[LP_SHA256_BLOCK] = {0};
  if (len > LP_SHA256_BLOCK) {
    lp_sha256_begin(&hmac->inner);
    lp_sha256_add(&hmac->inner, key, len);
    lp_sha256_end(&hmac->inner, pad);
  } else if (len) {
    memcpy(pad, key, len);
  }
  for (int i = 0; i < LP_SHA256_BLOCK; i++) pad[i] ^= 0x36;
  lp_sha256_begin(&hmac->inner);
  lp_sha256_add(&hmac->inner, pad, sizeof pad);
  for (int i = 0; i < LP_SHA256_BLOCK; i++) pad[i] ^= 0x36 ^ 0x5c;
  lp_sha256_begin(&hmac->outer);
  lp_sha256_add(&hmac->outer, pad, sizeof pad);
  explicit_bzero(pad, sizeof pad);
}

void lp_hmac_of(const lp_hmac *hmac, const void *data, size_t len, unsigned char out[LP_SHA256]) {
  lp_sha256 hash = hmac->inner;
  lp_sha256_add(&hash, data, len);
  lp_sha256_end(&hash, out);
  hash = hmac->outer;
  lp_sha256_add(&hash, out, LP_SHA256);
  lp_sha256_end(&hash, out);
}
