/*
 * A validating JSON scanner (RFC 8259): one pass, one event a call, no memory of its own, no Lua.
 *
 *   lp_json scan;
 *   lp_json_start(&scan, text, len);
 *   while (lp_json_next(&scan) > LP_JSON_END) …scan.event, scan.text, scan.len…
 */
#ifndef LP_JSON_H
#define LP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LP_JSON_DEPTH 512 /* containers inside one another */

typedef enum {
  LP_JSON_ERROR = -1,
  LP_JSON_END = 0, /* the text is one whole value */
  LP_JSON_NULL,
  LP_JSON_TRUE,
  LP_JSON_FALSE,
  LP_JSON_INTEGER, /* digits, perhaps with a minus; any length; "-0" is a LP_JSON_FLOAT, or its sign would be lost */
  LP_JSON_FLOAT,   /* has a fraction or an exponent */
  LP_JSON_STRING,
  LP_JSON_KEY, /* a string before a colon */
  LP_JSON_OBJECT,
  LP_JSON_OBJECT_END,
  LP_JSON_ARRAY,
  LP_JSON_ARRAY_END,
} lp_json_event;

typedef struct {
  lp_json_event event;
  const char *text; /* of a number; of a string or key without its quotes, which stand on either side of it */
  size_t len;
  bool escaped;      /* the string or key has escapes: text is not its value yet */
  const char *error; /* LP_JSON_ERROR: what is wrong, a constant */
  size_t offset;     /* LP_JSON_ERROR: the byte where it is wrong, from 0; else where the event begins */
  /* private */
  const char *begin, *at, *end;
  unsigned depth;
  unsigned char expect;
  uint8_t object[LP_JSON_DEPTH / 8]; /* a bit for each open container: is it an object */
} lp_json;

/* The text must stay where it is until the last event. */
void lp_json_start(lp_json *scan, const char *text, size_t len);

/* The next event, also left in scan->event. After LP_JSON_END or LP_JSON_ERROR it returns the same again. */
lp_json_event lp_json_next(lp_json *scan);

/* How many bytes at the beginning of `text` may stand between quotes as they are and are ASCII: no quote, no backslash,
 * no control byte, nothing from 0x80 up. */
size_t lp_json_plain(const char *text, size_t len);

/* The length of the well-formed UTF-8 character (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF) at
 * the beginning of `text`, 1 to 4; 0 when there is none, or no text. */
size_t lp_utf8_char(const char *text, size_t len);

/* How many characters `text` has; false where it is not UTF-8. */
bool lp_utf8_count(const char *text, size_t len, size_t *count);

/* The first byte of `text` that is not well-formed UTF-8, or `len` when all of it is. */
size_t lp_utf8_bad(const char *text, size_t len);

#endif
