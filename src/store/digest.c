/* luaprov.digest: what a state keeps of a secret, and salts for it. */
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <string.h>
#include <sys/random.h>

#include "store/sha256.h"
#include "store/share.h"

enum { RANDOM = 256 }; /* the most bytes that getrandom gives whole */

static char *put_hex(char *to, const unsigned char *bytes, size_t len) {
  static const char hex[] = "0123456789abcdef";
  for (size_t i = 0; i < len; i++) {
    *to++ = hex[bytes[i] >> 4];
    *to++ = hex[bytes[i] & 15];
  }
  return to;
}

static void push_hex(lua_State *L, const unsigned char *bytes, size_t len) {
  char text[2 * RANDOM];
  lua_pushlstring(L, text, (size_t)(put_hex(text, bytes, len) - text));
}

/* sha256(text) -> 64 hexadecimal digits */
static int sha256(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  lp_sha256 hash;
  unsigned char out[LP_SHA256];
  lp_sha256_begin(&hash);
  lp_sha256_add(&hash, text, len);
  lp_sha256_end(&hash, out);
  push_hex(L, out, sizeof out);
  return 1;
}

/* keyed(key) -> a function, text -> 64 hexadecimal digits: HMAC-SHA-256 */
static int hmac(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  unsigned char out[LP_SHA256];
  lp_hmac_of(lua_touserdata(L, lua_upvalueindex(1)), text, len, out);
  push_hex(L, out, sizeof out);
  return 1;
}

static int keyed(lua_State *L) {
  size_t len;
  const char *key = luaL_checklstring(L, 1, &len);
  lp_hmac_begin(lua_newuserdata(L, sizeof(lp_hmac)), key, len);
  lua_pushcclosure(L, hmac, 1);
  return 1;
}

static void fill_randomly(lua_State *L, unsigned char *bytes, size_t count) {
  ssize_t got;
  do got = getrandom(bytes, count, 0);
  while (got < 0 && errno == EINTR);
  if (got != (ssize_t)count) luaL_error(L, "the system gives no random bytes: %s", strerror(errno));
}

/* random(count) -> hexadecimal digits of so many bytes that nobody can guess */
static int random_hex(lua_State *L) {
  lua_Integer count = luaL_checkinteger(L, 1);
  luaL_argcheck(L, count > 0 && count <= RANDOM, 1, "not from 1 to 256");
  unsigned char bytes[RANDOM];
  fill_randomly(L, bytes, (size_t)count);
  push_hex(L, bytes, (size_t)count);
  return 1;
}

/* salted(text) -> SALT:HASH, a salt of its own and sha256(SALT:text) */
static int salted(lua_State *L) {
  enum { SALT = 8 };
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  unsigned char salt[SALT], out[LP_SHA256];
  char both[2 * SALT + 1 + 2 * LP_SHA256];
  fill_randomly(L, salt, sizeof salt);
  char *after = put_hex(both, salt, sizeof salt);
  *after++ = ':';
  lp_sha256 hash;
  lp_sha256_begin(&hash);
  lp_sha256_add(&hash, both, (size_t)(after - both));
  lp_sha256_add(&hash, text, len);
  lp_sha256_end(&hash, out);
  put_hex(after, out, sizeof out);
  lua_pushlstring(L, both, sizeof both);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_luaprov_digest(lua_State *L);

int luaopen_luaprov_digest(lua_State *L) {
  static const lp_entry functions[] = {
      {"sha256", sha256}, {"keyed", keyed}, {"salted", salted}, {"random", random_hex}, {NULL, NULL}};
  lua_newtable(L);
  lp_set_functions(L, functions);
  return 1;
}
