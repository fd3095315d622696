/* libFuzzer: scans any bytes and checks what json.h promises of the events. `make fuzz`. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition) {
  if (!condition) {
    abort();
  }
}

typedef struct {
  bool object[LP_JSON_DEPTH];
  unsigned depth;
  bool after_key;
} nest;

/* A value may stand here: alone, in an array, or after a key. Keys only in objects, and one value for each. */
static void value_comes(nest *open) {
  must(open->depth == 0 || open->object[open->depth - 1] == open->after_key);
  open->after_key = false;
}

static void check_text(const lp_json *scan, const char *text, size_t len) {
  must(scan->text >= text && scan->text <= text + len && scan->len <= (size_t)(text + len - scan->text));
}

static void check_string(const lp_json *scan, const char *text, size_t len) {
  check_text(scan, text, len);
  must(scan->text > text && scan->text[-1] == '"' && scan->text + scan->len < text + len);
  must(scan->text[scan->len] == '"' && scan->offset == (size_t)(scan->text - 1 - text));
  must(lp_utf8_bad(scan->text, scan->len) == scan->len);
  must(scan->escaped == (scan->len > 0 && memchr(scan->text, '\\', scan->len) != NULL));
  size_t plain = lp_json_plain(scan->text, scan->len);
  must(plain == scan->len || scan->text[plain] == '\\' || (unsigned char)scan->text[plain] >= 0x80);
}

static void check_number(const lp_json *scan, const char *text, size_t len) {
  check_text(scan, text, len);
  must(scan->len > 0 && scan->offset == (size_t)(scan->text - text));
  bool float_like = scan->len == 2 && memcmp(scan->text, "-0", 2) == 0;
  for (size_t i = 0; i < scan->len; i++) {
    must(strchr("0123456789+-.eE", scan->text[i]) != NULL);
    float_like = float_like || strchr(".eE", scan->text[i]) != NULL;
  }
  must(float_like == (scan->event == LP_JSON_FLOAT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data;
  lp_json scan;
  nest open = { .depth = 0 };
  size_t offset = 0, values = 0;
  lp_json_start(&scan, text, size);
  for (;;) {
    lp_json_event event = lp_json_next(&scan);
    must(event == scan.event && scan.offset <= size);
    if (event == LP_JSON_ERROR) {
      must(scan.error != NULL);
      break;
    }
    must(scan.offset >= offset); /* one pass: never back */
    offset = scan.offset;
    if (event == LP_JSON_END) {
      must(open.depth == 0 && values > 0 && scan.offset == size);
      break;
    }
    must(values == 0 || open.depth > 0); /* one outermost value */
    values++;
    switch (event) {
      case LP_JSON_KEY:
        must(open.depth > 0 && open.object[open.depth - 1] && !open.after_key);
        open.after_key = true;
        check_string(&scan, text, size);
        break;
      case LP_JSON_STRING:
        value_comes(&open);
        check_string(&scan, text, size);
        break;
      case LP_JSON_INTEGER:
      case LP_JSON_FLOAT:
        value_comes(&open);
        check_number(&scan, text, size);
        break;
      case LP_JSON_OBJECT:
      case LP_JSON_ARRAY:
        value_comes(&open);
        must(open.depth < LP_JSON_DEPTH);
        open.object[open.depth++] = event == LP_JSON_OBJECT;
        break;
      case LP_JSON_OBJECT_END:
      case LP_JSON_ARRAY_END:
        must(open.depth > 0 && !open.after_key);
        must(open.object[--open.depth] == (event == LP_JSON_OBJECT_END));
        break;
      default:
        value_comes(&open);
        break;
    }
  }
  lp_json_event last = scan.event;
  size_t where = scan.offset;
  must(lp_json_next(&scan) == last && scan.offset == where);
  return 0;
}
