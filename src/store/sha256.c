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

static void take_block(uint32_t state[8], const unsigned char *block) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++, block += 4)
    w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
  for (int i = 16; i < 64; i++) {
    uint32_t low = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t high = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + low + w[i - 7] + high;
  }
  memcpy(s, state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t one = turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25), choose = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t zero = turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22);
    uint32_t most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    uint32_t first = s[7] + one + choose + K[i] + w[i], second = zero + most;
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += first;
    s[0] = first + second;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
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

void lp_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char out[LP_SHA256]) {
  unsigned char inner[LP_SHA256_BLOCK] = {0}, outer[LP_SHA256_BLOCK];
  lp_sha256 hash;
  if (key_len > LP_SHA256_BLOCK) {
    lp_sha256_begin(&hash);
    lp_sha256_add(&hash, key, key_len);
    lp_sha256_end(&hash, inner);
  } else if (key_len) {
    memcpy(inner, key, key_len);
  }
  for (int i = 0; i < LP_SHA256_BLOCK; i++) {
    outer[i] = inner[i] ^ 0x5c;
    inner[i] ^= 0x36;
  }
  lp_sha256_begin(&hash);
  lp_sha256_add(&hash, inner, sizeof inner);
  lp_sha256_add(&hash, data, len);
  lp_sha256_end(&hash, out);
  lp_sha256_begin(&hash);
  lp_sha256_add(&hash, outer, sizeof outer);
  lp_sha256_add(&hash, out, LP_SHA256);
  lp_sha256_end(&hash, out);
  explicit_bzero(inner, sizeof inner);
  explicit_bzero(outer, sizeof outer);
}
